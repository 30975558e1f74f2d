package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lsm.config.Config;
import org.lsm.config.Config.OutboundMode;
import org.lsm.config.Rules;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.ErrorMessages;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.proc.ControlGroup;
import org.lsm.proc.LoginUids;
import org.lsm.proc.PasswdFile;
import org.lsm.proc.ServicesFile;
import org.lsm.report.DiffReport;
import org.lsm.report.OutboundListing;
import org.lsm.sentry.Dns;
import org.lsm.sentry.OutboundFlow;
import org.lsm.sentry.OutboundState;
import org.lsm.sentry.OutboundState.Identity;
import org.lsm.sentry.OutboundState.Known;
import org.lsm.sentry.OutboundTable;
import org.lsm.sentry.OutboundTable.Counted;
import org.lsm.sentry.OutboundTable.Recorded;
import org.lsm.storage.StateDirectory;

/**
 * The part of a run for outbound connections: reads what the packet filter has recorded since the
 * last compare, reports each new user, unit and port once, and learns them.
 */
public final class OutboundCheck {
  private static final String REMOVED =
      "somebody has removed the table inet lsm_outbound from the packet filter: outbound connections"
          + " since the last compare may be missing; the rules are set again";
  private static final String OVERFLOW =
      "more than 4,500 users, units and ports of outbound connections were new within two hours, and"
          + " others may be missing; 'lsm outbound' prints who has so many";
  private static final String OLD =
      "no compare has stored outbound connections for more than two hours: others may be missing";

  // UIDs of services with DynamicUser, systemd.exec(5), and of nobody.
  private static final long FIRST_DYNAMIC = 61184;
  private static final long LAST_DYNAMIC = 65519;
  private static final long NOBODY = 65534;

  private final Components components;
  private final Config config;
  private final OutboundTable table;
  private final Path file;
  private final Instant now;
  private final List<String> incomplete = new ArrayList<>();
  private OutboundState state; // null where nothing may be stored
  private Optional<Recorded> recorded = Optional.empty();

  /** Reads the table, before the scan; if OUTBOUND is off, removes it. */
  static OutboundCheck begin(Components components, Instant now) {
    OutboundCheck check = new OutboundCheck(components, now);
    if (check.config.outbound() != OutboundMode.OFF) {
      check.attempt(check::read);
    } else if (Files.exists(check.file)) {
      check.attempt(check::remove);
    }
    return check;
  }

  private OutboundCheck(Components components, Instant now) {
    this.components = components;
    this.config = components.config();
    this.table = components.outboundTable();
    this.file = config.stateDirectory().resolve(StateDirectory.OUTBOUND_STATE);
    this.now = now;
  }

  /** What is known, with what the kernel has counted of it. */
  public static OutboundListing list(Components components) throws IOException {
    OutboundCheck check = new OutboundCheck(components, components.now());
    OutboundState state = OutboundState.read(check.file, check.now);
    Map<Long, String> names = names(components);
    Map<String, String> groups = components.controlGroups();
    Map<Identity, Long> packets = new HashMap<>();
    for (String network : OutboundTable.NETWORKS) {
      for (Counted it : check.table.count(network, groups, check.now)) {
        Identity identity = state.general(identity(it.flow(), network, names));
        packets.merge(identity, it.packets(), Long::sum);
      }
    }
    List<OutboundListing.Row> rows = new ArrayList<>();
    state
        .known()
        .forEach(
            (identity, it) ->
                rows.add(
                    new OutboundListing.Row(
                        identity.endpoint(),
                        identity.owner(),
                        it.first(),
                        it.last(),
                        packets.getOrDefault(identity, 0L),
                        it.address(),
                        it.isReported() ? "reported" : "learned")));
    return new OutboundListing(components.hostInfo(), rows);
  }

  private void remove() throws IOException {
    table.remove();
    Files.delete(file);
  }

  /** An action of which a failure makes the compare incomplete. */
  private interface Action {
    void run() throws IOException;
  }

  private void attempt(Action action) {
    try {
      action.run();
    } catch (IOException | RuntimeException e) {
      incomplete.add(ErrorMessages.explain(e));
    }
  }

  private void read() throws IOException {
    OutboundState stored = OutboundState.read(file, now);
    recorded = table.read(now);
    if (recorded.isPresent() && !recorded.get().flows().isEmpty()) {
      recorded = Optional.of(recorded.get().in(components.controlGroups()));
    }
    state = stored; // not where the table cannot be read: it may have what is not reported yet
    if (recorded.isEmpty() && isInTable(stored.rules())) {
      incomplete.add(REMOVED);
    } else if (recorded.isPresent() && Files.exists(file) && isOld()) {
      incomplete.add(OLD);
    }
    if (recorded.isPresent() && recorded.get().isOverflowing()) {
      incomplete.add(OVERFLOW);
    }
  }

  /** The file has the time of the last compare that has stored what the kernel had. */
  private boolean isOld() throws IOException {
    return Files.getLastModifiedTime(file).toInstant().plus(OutboundTable.KEPT).isBefore(now);
  }

  /** Whether these rules were set in this boot, which they do not survive, by this version. */
  private boolean isInTable(String rules) throws IOException {
    String boot = components.bootId() + " ";
    return rules.equals(boot + OutboundTable.mark(true))
        || rules.equals(boot + OutboundTable.mark(false));
  }

  private boolean isLearning() {
    return config.outbound() == OutboundMode.LEARN
        || now.isBefore(state.since().plus(config.outboundLearn()));
  }

  /** Adds to a report the connections that neither the state, the baseline nor a rule knows. */
  DiffReport addTo(DiffReport report, Snapshot baseline, Rules rules) {
    if (recorded.isEmpty() || recorded.get().flows().isEmpty()) {
      return report;
    }
    try {
      return withNew(report, baseline, rules);
    } catch (IOException | RuntimeException e) {
      incomplete.add(ErrorMessages.explain(e));
      state = null; // what is not reported is not known
      return report;
    }
  }

  /** What is new at an endpoint. */
  private record NewConnections(List<OutboundFlow> flows, Set<Owner> owners, Set<Flag> flags) {
    NewConnections() {
      this(new ArrayList<>(), new TreeSet<>(), EnumSet.noneOf(Flag.class));
    }
  }

  private DiffReport withNew(DiffReport report, Snapshot baseline, Rules rules) throws IOException {
    Map<Long, String> names = names(components);
    SortedMap<Endpoint, NewConnections> all = new TreeMap<>();
    Set<Identity> reported = new TreeSet<>();
    for (OutboundFlow flow : systemUsersFirst(recorded.get().flows())) {
      Identity identity = state.general(identity(flow, kind(flow.address()), names));
      boolean isKnown = state.knows(identity) || isAccepted(identity, baseline);
      if (!isKnown && isCovered(identity, rules)) {
        continue;
      }
      if (!isKnown && !isLearning()) {
        if (all.size() >= DiffReport.MAX_NAMED && !all.containsKey(identity.endpoint())) {
          continue; // the next compare names it
        }
        reported.add(identity);
      }
      boolean isNew = reported.contains(identity);
      if (isNew) {
        NewConnections at = all.computeIfAbsent(identity.endpoint(), it -> new NewConnections());
        at.flows.add(flow);
        at.owners.add(identity.owner());
        at.flags.addAll(flags(identity, flow));
      }
      state = state.with(identity, new Known(flow.time(), flow.time(), flow.address(), isNew));
    }
    return all.isEmpty() ? report : with(report, all);
  }

  private List<OutboundFlow> systemUsersFirst(List<OutboundFlow> flows) throws IOException {
    long firstLogin = LoginUids.read(components.environment().loginDefs()).min();
    return flows.stream()
        .sorted(Comparator.comparing(it -> !isSystem(it.uid(), firstLogin)))
        .toList();
  }

  private static boolean isAccepted(Identity identity, Snapshot baseline) {
    SocketEntry accepted = baseline.sockets().get(identity.endpoint());
    return accepted != null && accepted.includes(identity.owner());
  }

  private static boolean isCovered(Identity identity, Rules rules) {
    SocketEntry entry =
        new SocketEntry(identity.endpoint(), new TreeSet<>(Set.of(identity.owner())), List.of());
    return rules.ignores(entry) || !rules.allowing(entry).isEmpty();
  }

  private DiffReport with(DiffReport report, SortedMap<Endpoint, NewConnections> all)
      throws IOException {
    List<Difference> differences = new ArrayList<>();
    Map<Endpoint, SocketDetails> details = new HashMap<>(report.detailsByEndpoint());
    List<String> notes = new ArrayList<>();
    List<OutboundFlow> flows = all.values().stream().flatMap(it -> it.flows.stream()).toList();
    OutboundProcesses processes = OutboundProcesses.find(components, flows, notes);
    Map<String, String> hosts = hosts(flows);
    Map<String, String> services = ServicesFile.read(components.environment().sources().services());
    all.forEach(
        (at, it) -> {
          List<ProcessDetails> held = processes.of(it.flows);
          List<ProcessRef> refs = held.stream().map(ProcessDetails::process).toList();
          SocketEntry entry = new SocketEntry(at, new TreeSet<>(it.owners), refs);
          differences.add(new Difference(DifferenceType.NEW, entry, entry));
          String port = at.port() + at.protocol().label().replace("out-", "/");
          String service = services.getOrDefault(port, "");
          List<String> peers =
              it.flows.stream().map(flow -> remote(flow, hosts)).distinct().toList();
          details.put(at, new SocketDetails(service, peers, held, it.flags, Optional.empty()));
        });
    return report.with(report.diff().and(differences), details, notes);
  }

  private Map<String, String> hosts(List<OutboundFlow> flows) {
    int max = config.outboundResolves() ? DiffReport.MAX_NAMED : 0;
    return Dns.names(flows.stream().map(OutboundFlow::address).distinct().limit(max).toList());
  }

  /** The remote end of a flow, with the name of the host if it is known. */
  private static String remote(OutboundFlow flow, Map<String, String> hosts) {
    String address = flow.address();
    String end = (address.indexOf(':') < 0 ? address : "[" + address + "]") + ":" + flow.port();
    String host = hosts.getOrDefault(address, "");
    return host.isEmpty() ? end : end + " (" + host + ")";
  }

  private static String kind(String address) {
    return SocketIdentity.addressClass(address);
  }

  private static Map<Long, String> names(Components components) throws IOException {
    return PasswdFile.read(components.environment().sources().passwd()).names();
  }

  /** What makes the connections of a flow to a kind of network the same. */
  private static Identity identity(OutboundFlow flow, String network, Map<Long, String> names) {
    String user = names.getOrDefault(flow.uid(), Long.toString(flow.uid()));
    Endpoint at = new Endpoint("", flow.protocol(), network, flow.port());
    return new Identity(at, new Owner(user, ControlGroup.lastingUnit(flow.controlGroup())));
  }

  private Set<Flag> flags(Identity identity, OutboundFlow flow) throws IOException {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    if (isSystem(flow.uid(), LoginUids.read(components.environment().loginDefs()).min())) {
      flags.add(Flag.SYSTEM_USER);
      if (!state.knowsPort(flow.protocol(), flow.port(), identity.owner().user())) {
        flags.add(Flag.NEW_PORT);
      }
    }
    return flags;
  }

  /**
   * Users of a directory service have numbers above those of login.defs(5). Root runs whatever the
   * administrator does, so it is not a system user here.
   */
  private static boolean isSystem(long uid, long firstLogin) {
    boolean isDynamic = uid >= FIRST_DYNAMIC && uid <= LAST_DYNAMIC;
    return uid != 0 && (uid < firstLogin || isDynamic || uid == NOBODY);
  }

  /**
   * Stores what is known now if its alert is stored, and makes the table where there is none.
   * Returns why connections may be missing, a sentence each, not escaped.
   */
  List<String> store(boolean isAlertStored) {
    if (state != null && isAlertStored) {
      attempt(this::storeState);
    }
    return incomplete;
  }

  private void storeState() throws IOException {
    if (recorded.isEmpty() || !isInTable(state.rules())) {
      state.withRules("").write(file); // the file says that there may be a table
      Path root = components.environment().sources().root();
      boolean hasUnits = Files.exists(root.resolve("sys/fs/cgroup/cgroup.controllers"));
      state = state.withRules(components.bootId() + " " + table.create(hasUnits));
      state.write(file);
    } else if (!recorded.get().flows().isEmpty()) {
      state.write(file);
      if (recorded.get().isOverflowing()) {
        table.flush();
      }
    }
    Files.setLastModifiedTime(file, FileTime.from(now)); // without waiting for the disk
  }
}
