package org.lsm.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.lsm.alert.Channel;
import org.lsm.alert.History;
import org.lsm.alert.Outbox;
import org.lsm.channel.CommandChannel;
import org.lsm.channel.ExternalCommand;
import org.lsm.channel.MailChannel;
import org.lsm.channel.SyslogChannel;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.Config.Mailer;
import org.lsm.config.ConfigException;
import org.lsm.config.IgnoreRules;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.HostInfo;
import org.lsm.model.OwnerCache;
import org.lsm.model.PortSet;
import org.lsm.model.Snapshot;
import org.lsm.monitor.BaselineComparison;
import org.lsm.monitor.RepeatedScan;
import org.lsm.monitor.SystemEnvironment;
import org.lsm.monitor.Version;
import org.lsm.proc.GatewaysAndResolvers;
import org.lsm.proc.SocketScanner;
import org.lsm.report.DiffReport;
import org.lsm.sentry.NftRuleset;
import org.lsm.sentry.NftTable;
import org.lsm.storage.SecureFiles;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What all commands share: the options that each of them takes, and the way to the host. */
public final class CommandContext {

  /** How long a run waits for another one to end. */
  private static final Duration LOCK_PATIENCE = Duration.ofSeconds(30);

  private static final Duration NFT_TIME = Duration.ofSeconds(30);

  /** A full table has some 10 MB. */
  private static final int MOST_OF_NFT = 64 * 1024 * 1024;

  private static final String DEFAULT_CONFIG = "/usr/local/lsm/conf.lsm";

  private final SystemEnvironment host;
  private final PrintWriter out;
  private final PrintWriter err;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "Read this configuration instead of conf.lsm beside the program.")
  private Path configFile;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Tell on stderr what is done, and where errors come from.")
  private boolean verbose;

  @Option(
      names = "--no-color",
      scope = ScopeType.INHERIT,
      description = "Do not colour the output on a terminal.")
  private boolean noColor;

  /**
   * What the commands of one run share.
   *
   * @param host the machine it looks at
   * @param out where results go
   * @param err where errors and notes go
   */
  public CommandContext(SystemEnvironment host, PrintWriter out, PrintWriter err) {
    this.host = host;
    this.out = out;
    this.err = err;
  }

  /** Where results go. */
  public PrintWriter out() {
    return out;
  }

  /** Where errors and notes go. */
  public PrintWriter err() {
    return err;
  }

  public SystemEnvironment host() {
    return host;
  }

  public boolean verbose() {
    return verbose;
  }

  /** Whether output may be coloured, as far as the options tell. */
  boolean colorAllowed() {
    return !noColor;
  }

  /** The configuration, from {@code --config}, LSM_CONF, or beside the program. */
  public Config config() throws IOException, ConfigException {
    Config config = Config.read(configFile());
    SecureFiles.requireOwn(config.stateDirectory());
    return config;
  }

  /** The ignore rules, which stand beside the configuration. */
  public IgnoreRules rules() throws IOException, ConfigException {
    return IgnoreRules.read(configFile().resolveSibling("ignore.lsm"));
  }

  /** The file that the configuration is read from. */
  Path configFile() {
    if (configFile != null) {
      return configFile;
    }
    String fromEnvironment = host.environment().getOrDefault("LSM_CONF", "");
    return Path.of(
        fromEnvironment.isEmpty()
            ? System.getProperty("lsm.conf", DEFAULT_CONFIG)
            : fromEnvironment);
  }

  /** Opens the state directory; waits for another run to end. */
  public StateDirectory openState(Config config) throws IOException {
    return StateDirectory.open(config.stateDirectory(), LOCK_PATIENCE);
  }

  /** A survey of the host, on top of what the last run has seen. */
  public RepeatedScan scans(Config config, OwnerCache remembered) throws IOException {
    return new RepeatedScan(scanner(config), remembered);
  }

  /** The host and this moment. */
  public HostInfo hostInfo(Config config) throws IOException {
    return scanner(config).hostInfo(host.clock().instant());
  }

  private SocketScanner scanner(Config config) throws IOException {
    return new SocketScanner(
        host.sources(), config.allNetworkNamespaces(), host.clock(), version());
  }

  /** A comparison with a baseline, as the configuration and the ignore rules say. */
  public BaselineComparison comparison(Config config, RepeatedScan scans, Snapshot baseline)
      throws IOException, ConfigException {
    EphemeralPorts ephemeral = scans.ephemeralPorts(config.ephemeral());
    return new BaselineComparison(scans, baseline, ephemeral, rules());
  }

  /** What happened, and who ran lsm meanwhile. */
  public History history(Config config, Consumer<String> warn) {
    String sudoUser = host.environment().getOrDefault("SUDO_USER", "");
    String user = System.getProperty("user.name");
    return new History(
        config.stateDirectory(),
        host.clock(),
        sudoUser.isEmpty() ? user : sudoUser + " as " + user,
        warn);
  }

  /** The alerts that wait. */
  public Outbox outbox(Config config, History history, Consumer<String> warn) {
    return new Outbox(
        config.stateDirectory().resolve("outbox"), () -> channels(config, null), history, warn);
  }

  /**
   * The channels that alerts go by.
   *
   * @param trace told the dialogue with the mail server, or null
   */
  public List<Channel> channels(Config config, Consumer<String> trace) {
    List<Channel> channels = new ArrayList<>();
    if (config.mailer() != Mailer.NONE) {
      channels.add(
          new MailChannel(config, host.sendmail(), host.authorities(), host.mailTimeout(), trace));
    }
    if (config.syslog()) {
      channels.add(new SyslogChannel(host.logger(), config.structuredSyslog()));
    }
    if (!config.runCommand().isBlank()) {
      channels.add(new CommandChannel(config.runCommand()));
    }
    return channels;
  }

  /** The table of the packet filter. */
  public NftTable sentry() {
    Path nft =
        host.nft().stream().filter(Files::isExecutable).findFirst().orElse(host.nft().get(0));
    ExternalCommand program = new ExternalCommand(nft, NFT_TIME, MOST_OF_NFT);
    return new NftTable(
        (arguments, input) ->
            program.runSuccessfully(arguments, input.getBytes(StandardCharsets.UTF_8), Map.of()));
  }

  /** The hosts that this one cannot do without. */
  public List<CidrBlock> upstream() throws IOException {
    List<CidrBlock> ranges = new ArrayList<>();
    for (String address : GatewaysAndResolvers.addresses(host.sources().proc(), host.resolvers())) {
      try {
        ranges.add(CidrBlock.parse(address));
      } catch (IllegalArgumentException e) {
        // a file of the administrator may name anything
      }
    }
    return ranges;
  }

  /** The rules of the packet filter where these sockets are served. */
  public NftRuleset rules(Config config, List<Snapshot> serving) throws IOException {
    EphemeralPorts ports = scanner(config).ephemeralPorts(EphemeralPorts.Scope.NONE);
    PortSet clients = PortSet.parse(ports.first() + "-" + ports.last());
    return NftRuleset.of(config, serving, upstream(), clients);
  }

  /** When a comparison with the baseline succeeded last. */
  public Optional<Instant> lastCompare(Config config) throws IOException {
    try {
      Path file = StateDirectory.lastCompare(config.stateDirectory());
      return Optional.of(Files.getLastModifiedTime(file).toInstant());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** A time in words, and how long ago it was. */
  public String when(Instant time) {
    return DiffReport.when(time, host.clock().instant(), zone());
  }

  public ZoneId zone() {
    return host.zone().get();
  }

  /** The version of this lsm. */
  public static String version() {
    return Version.VERSION;
  }
}
