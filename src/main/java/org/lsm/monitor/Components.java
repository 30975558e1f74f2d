package org.lsm.monitor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.lsm.alert.Channel;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.channel.Alertmanager;
import org.lsm.channel.CommandChannel;
import org.lsm.channel.ExternalCommand;
import org.lsm.channel.MailChannel;
import org.lsm.channel.MailSystem;
import org.lsm.channel.SyslogChannel;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.ConfigException;
import org.lsm.config.Rules;
import org.lsm.model.ErrorMessages;
import org.lsm.model.HostInfo;
import org.lsm.model.OwnerCache;
import org.lsm.model.ProgramDigest;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;
import org.lsm.proc.FactsReader;
import org.lsm.proc.GatewaysAndResolvers;
import org.lsm.proc.HelperProcesses;
import org.lsm.proc.KernelInfo;
import org.lsm.proc.SocketScanner;
import org.lsm.proc.SocketScanner.DetailsSelector;
import org.lsm.proc.SocketScanner.ScanResult;
import org.lsm.proc.SocketScanner.Sources;
import org.lsm.proc.SshSessions;
import org.lsm.report.Times;
import org.lsm.sentry.HostPorts;
import org.lsm.sentry.NftRuleset;
import org.lsm.sentry.NftTable;
import org.lsm.sentry.OutboundTable;
import org.lsm.sentry.SentryState;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.StateDirectory;

/**
 * Makes the parts of lsm as a configuration asks for them.
 *
 * @param errors takes warnings that are escaped already, without a line end
 */
public record Components(
    SystemEnvironment environment, Path configFile, Config config, Consumer<String> errors) {

  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration NFT_TIMEOUT = Duration.ofSeconds(30);

  /** In bytes; the listing of a full table has some 10 MB. */
  private static final int MAX_NFT_OUTPUT = 64 * 1024 * 1024;

  /** Takes the path of nft, and sets; what is not due to nft fails for lack of privileges. */
  private static final String LIST_SETS =
      """
      exec 3>&2
      list='nft=$1; shift
        for set do "$nft" -j list set inet lsm_outbound "$set" 2>&3 || exit 124; done'
      /usr/bin/unshare --mount /bin/sh -c "
        /bin/mount -t tmpfs none /sys/fs/cgroup || exit 125
        $list" sh "$@" 2>/dev/null
      case $? in
        0) ;;
        124) exit 1 ;;
        *) eval "$list" ;;
      esac
      """;

  /** Takes a directory. A group that ends meanwhile makes find fail, but not its output wrong. */
  private static final String LIST_GROUPS =
      "/usr/bin/find \"$1\" -maxdepth 6 -type d -printf '%i %P\\n' 2>/dev/null || :";

  /** In bytes; the files of a large package. */
  private static final int MAX_OUTPUT = 16 * 1024 * 1024;

  /** Reports a problem that does not end the run; not escaped. */
  public void warn(String problem) {
    errors.accept(TextEscaper.escape(problem));
  }

  /** The rules beside the configuration. */
  public Rules rules() throws IOException, ConfigException {
    UserNames users = userNames();
    Rules rules = rules(users);
    users.notes().forEach(this::warn);
    return rules;
  }

  private Rules rules(UserNames users) throws IOException, ConfigException {
    return Rules.read(configFile, users::namesAndNumbers);
  }

  /** The names of the users of this host. */
  public UserNames userNames() {
    return new UserNames(
        environment.sources().passwd(),
        environment.loginDefs(),
        environment.getent(),
        UserNames.TIMEOUT);
  }

  /** Opens the state directory; waits for another run to end. */
  public StateDirectory openState() throws IOException {
    if (config.declaredBaseline()) { // nothing else makes it
      StateDirectory.create(config.stateDirectory());
    }
    return StateDirectory.open(config.stateDirectory(), LOCK_TIMEOUT);
  }

  /** The stored baseline; or one without sockets, if only rules declare what is accepted. */
  public Snapshot readBaseline(StateDirectory state) throws IOException {
    return config.declaredBaseline() ? Snapshot.declared(hostInfo()) : state.readBaseline();
  }

  /** Scans of this host, beginning with the owner cache of the last run. */
  public RepeatedScan scans() {
    return new RepeatedScan(
        scanner(),
        StateDirectory.readOwnerCache(config.stateDirectory()),
        environment.scanTimeout());
  }

  /**
   * Stores the owners that scans found. A failure costs the next run a search, so it is only
   * reported.
   */
  public void storeOwnerCache(StateDirectory state, RepeatedScan scans) {
    try {
      state.storeOwnerCache(scans.ownerCache(), scans.storedCache());
    } catch (IOException e) {
      warn("the next run has to search all processes: " + ErrorMessages.explain(e));
    }
  }

  /** Scans this host once, and searches for all owners. */
  public ScanResult scan() throws IOException {
    return scan(DetailsSelector.NONE);
  }

  /** Scans once, and reads the details of the sockets that are selected. */
  public ScanResult scan(DetailsSelector selector) throws IOException {
    Duration limit = environment.scanTimeout();
    // No further process waits for a file system that one waits for already.
    OwnerCache stored = StateDirectory.readOwnerCache(config.stateDirectory());
    OwnerCache cache = new OwnerCache("", Map.of(), stored.stuck());
    return new ScanThread(scanner(), cache, selector, SocketScanner.OWNER_SEARCH_TIMEOUT)
        .scan(System.nanoTime() + limit.toNanos(), limit);
  }

  /** What scans this host as it is configured. */
  public SocketScanner scanner() {
    return new SocketScanner(
        environment.sources(), config.allNetworkNamespaces(), environment.clock(), Version.VERSION);
  }

  public BaselineComparison comparison(RepeatedScan scans, Snapshot baseline)
      throws IOException, ConfigException {
    UserNames users = userNames();
    return new BaselineComparison(
        scans,
        baseline,
        socketIdentity(),
        rules(users),
        programs(baseline.programs()),
        helpers(),
        environment.zone(),
        users);
  }

  public HelperProcesses helpers() {
    return new HelperProcesses(environment.sources());
  }

  /** The check of the files of programs against those of a baseline. */
  public ProgramCheck programs(List<ProgramDigest> baseline) {
    Path proc = environment.sources().proc();
    return new ProgramCheck(baseline, config.stateDirectory(), proc, runner());
  }

  private static ProgramFiles.Runner runner() {
    // Not a lambda: those take longer to load than a class.
    return new ProgramFiles.Runner() {
      @Override
      public String run(List<String> command, Duration timeout) throws IOException {
        Path program = Path.of(command.get(0));
        List<String> arguments = command.subList(1, command.size());
        return new ExternalCommand(program, timeout, MAX_OUTPUT)
            .run(arguments, new byte[0], Map.of());
      }
    };
  }

  /** What adds facts to a report on these sockets; a scan has left readers behind. */
  public HostFacts hostFacts(Snapshot found, OwnerCache cache) throws IOException {
    Sources sources = environment.sources();
    // Not dividedBy, which calculates with BigDecimal: that takes 6 ms to load.
    Duration ofProc = Duration.ofMillis(environment.factsTimeout().toMillis() / 4);
    FactsReader proc = new FactsReader(sources, found, cache.stuck(), ofProc);
    Duration ofPrograms = environment.factsTimeout().minus(ofProc);
    return new HostFacts(sources, nft(), runner(), proc::read, ofPrograms);
  }

  /** Stores which files of programs were read. A failure makes the next run read them again. */
  void storePrograms(StateDirectory state, ProgramCheck programs, HostInfo host) {
    try {
      programs.store(state, history(), host);
    } catch (IOException e) {
      warn("the next run has to read the program files again: " + ErrorMessages.explain(e));
    }
  }

  public SocketIdentity socketIdentity() throws IOException {
    return kernel().socketIdentity(config.ephemeral());
  }

  public HostInfo hostInfo() throws IOException {
    return kernel().hostInfo(now(), Version.VERSION);
  }

  private KernelInfo kernel() {
    return new KernelInfo(environment.sources().proc());
  }

  /** Identifies the boot of this host. */
  String bootId() throws IOException {
    return kernel().bootId();
  }

  /** The history, with the user who runs lsm. */
  public History history() {
    String sudoUser = environment.variables().getOrDefault("SUDO_USER", "");
    String user = (sudoUser.isEmpty() ? "" : sudoUser + " as ") + System.getProperty("user.name");
    return new History(config.stateDirectory(), environment.clock(), user, errors);
  }

  /** The outbox; {@code limit} is for one mail, and for all deliveries through a channel. */
  public Outbox outbox(History history, Duration limit) {
    return new Outbox(
        config.stateDirectory().resolve("outbox"),
        () -> channels(environment.mail().within(limit), null),
        limit,
        history,
        errors);
  }

  /** The nodes of ALERTMANAGER_URL. */
  public Alertmanager alertmanager(History history) {
    return new Alertmanager(config, environment.mail(), history, errors);
  }

  DeliveryProcess deliveryProcess(Path launcher, boolean quiet) {
    return new DeliveryProcess(launcher, configFile, quiet, errors);
  }

  /** The channels that are switched on; {@code trace}, if not null, gets the SMTP dialogue. */
  public List<Channel> channels(Consumer<String> trace) {
    return channels(environment.mail(), trace);
  }

  private List<Channel> channels(MailSystem mail, Consumer<String> trace) {
    List<Channel> channels = new ArrayList<>();
    if (config.syslog()) {
      channels.add(new SyslogChannel(environment.logger()));
    }
    if (!config.runCommand().isBlank()) {
      channels.add(new CommandChannel(config.runCommand()));
    }
    if (config.mailer() != Config.Mailer.NONE) { // last, because it may take minutes
      channels.add(new MailChannel(config, mail, trace));
    }
    return channels;
  }

  /** The table of lsm in the packet filter. */
  public NftTable nftTable() {
    return new NftTable(this::runNft);
  }

  /** The table of outbound connections. */
  public OutboundTable outboundTable() {
    return new OutboundTable(this::runNft, this::listSets);
  }

  /** Lists sets where no control group is mounted, if this process may do that. */
  private String listSets(List<String> sets) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("-c", LIST_SETS, "sh", nft().toString()));
    arguments.addAll(sets);
    Path shell = Path.of("/bin/sh");
    return new ExternalCommand(shell, NFT_TIMEOUT, MAX_NFT_OUTPUT)
        .run(arguments, new byte[0], Map.of());
  }

  /** The paths of the control groups of version 2 below /sys/fs/cgroup, by inode. */
  Map<String, String> controlGroups() throws IOException {
    Path root = environment.sources().root().resolve("sys/fs/cgroup");
    Map<String, String> paths = new HashMap<>();
    if (Files.exists(root.resolve("cgroup.controllers"))) {
      Path shell = Path.of("/bin/sh");
      String output =
          new ExternalCommand(shell, NFT_TIMEOUT, MAX_NFT_OUTPUT, false)
              .run(List.of("-c", LIST_GROUPS, "sh", root.toString()), new byte[0], Map.of());
      for (String line : output.split("\n", -1)) {
        int blank = line.indexOf(' ');
        paths.put(line.substring(0, Math.max(blank, 0)), line.substring(blank + 1));
      }
    }
    return paths;
  }

  private String runNft(List<String> arguments, String input) throws IOException {
    ExternalCommand command = new ExternalCommand(nft(), NFT_TIMEOUT, MAX_NFT_OUTPUT);
    return command.run(arguments, input.getBytes(UTF_8), Map.of());
  }

  private Path nft() {
    return SystemEnvironment.installed(environment.nft());
  }

  /** The rules of the packet filter on a host with these ports. */
  public NftRuleset nftRuleset(HostPorts ports, SentryState state) throws IOException {
    List<CidrBlock> spared = new ArrayList<>();
    if (config.sentry() == Config.SentryMode.BLOCK) {
      spared.addAll(gatewaysAndResolvers());
      spared.addAll(sshClients());
    }
    return new NftRuleset(config, ports, neighbours(), ignored(state), spared);
  }

  /** The IPv6 networks in which each address is a host. */
  public List<CidrBlock> neighbours() throws IOException {
    return addresses(GatewaysAndResolvers.neighbours(environment.sources().proc()));
  }

  /** The hosts of SENTRY_IGNORE, those with a name by their last addresses. */
  public List<CidrBlock> ignored(SentryState state) {
    List<CidrBlock> hosts = new ArrayList<>(config.sentryIgnore());
    state.answers().values().forEach(it -> hosts.addAll(addresses(List.of(it.split(" ", -1)))));
    return hosts;
  }

  /** The hosts that are never blocked, since this host depends on them. */
  public List<CidrBlock> gatewaysAndResolvers() throws IOException {
    Path proc = environment.sources().proc();
    return addresses(GatewaysAndResolvers.addresses(proc, environment.resolvers()));
  }

  /** The hosts from which somebody is logged in; not blocked while that lasts. */
  public List<CidrBlock> sshClients() throws IOException {
    return addresses(SshSessions.clients(environment.sources().proc()));
  }

  private static List<CidrBlock> addresses(Collection<String> texts) {
    List<CidrBlock> hosts = new ArrayList<>();
    for (String address : texts) {
      try {
        hosts.add(CidrBlock.parse(address));
      } catch (IllegalArgumentException e) {
        // resolv.conf(5) may name anything
      }
    }
    return hosts;
  }

  /** When the last comparison with the baseline that has succeeded began. */
  public Optional<Instant> lastCompare() throws IOException {
    try {
      Path file = config.stateDirectory().resolve(StateDirectory.LAST_COMPARE);
      return Optional.of(Files.getLastModifiedTime(file).toInstant());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Stores when a comparison that has succeeded began, without waiting for the disk. */
  void storeTimeOfCompare(Instant began) {
    Path file = config.stateDirectory().resolve(StateDirectory.LAST_COMPARE);
    try {
      if (!Files.exists(file)) {
        AtomicFile.write(file, new byte[0]);
      }
      Files.setLastModifiedTime(file, FileTime.from(began));
    } catch (IOException e) {
      warn("the time of this run cannot be stored: " + ErrorMessages.explain(e));
    }
  }

  public Instant now() {
    return environment.clock().instant();
  }

  /** The time zone of what people read. */
  public ZoneId zone() {
    return environment.zone().get();
  }

  /** A time and its age, in words. */
  public String timeWithAge(Instant time) {
    return Times.formatWithAge(time, now(), zone());
  }
}
