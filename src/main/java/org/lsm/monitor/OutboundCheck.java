package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
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
import org.lsm.model.Connection;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.ErrorMessages;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Protocol;
import org.lsm.model.Snapshot;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.proc.ControlGroup;
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
      "more than 900 new outbound connections since the last compare: others may be missing;"
          + " 'lsm outbound' prints which user has so many";

  private final Components components;
  private final Config config;
  private final OutboundTable table;
  private final Path file;
  private final Instant now;
  private final List<String> incomplete = new ArrayList<>();
  private OutboundState state; // null if there is none, or it is damaged
  private Optional<Recorded> recorded = Optional.empty();

  /** Reads the table, before the scan; if OUTBOUND is off, removes it. */
  static OutboundCheck begin(Components components) {
    OutboundCheck check = new OutboundCheck(components);
    if (check.config.outbound() != OutboundMode.OFF) {
      check.attempt(check::read);
    } else if (Files.exists(check.file)) {
      check.attempt(check::remove);
    }
    return check;
  }

  private OutboundCheck(Components components) {
    this.components = components;
    this.config = components.config();
    this.table = components.outboundTable();
    this.file = config.stateDirectory().resolve(StateDirectory.OUTBOUND_STATE);
    this.now = components.now();
  }

  /** What is known, with what the kernel has counted of it. */
  public static OutboundListing list(Components components) throws IOException {
    OutboundCheck check = new OutboundCheck(components);
    OutboundState state = OutboundState.read(check.file, check.now);
    Map<Long, String> names = names(components);
    Map<Identity, Long> packets = new HashMap<>();
    for (String network : OutboundTable.NETWORKS) {
      for (Counted it : check.table.count(network, check.now)) {
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
    state = OutboundState.read(file, now);
    recorded = table.read(now);
    if (recorded.isEmpty() && state.rules().equals(rules())) {
      incomplete.add(REMOVED);
    }
    if (recorded.isPresent() && recorded.get().isOverflowing()) {
      incomplete.add(OVERFLOW);
    }
  }

  /** Identifies the rules in this boot, which they do not survive. */
  private String rules() throws IOException {
    return components.bootId() + " " + OutboundTable.mark();
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
    for (OutboundFlow flow : recorded.get().flows()) {
      Identity identity = state.general(identity(flow, kind(flow.address()), names));
      boolean isKnown = state.knows(identity) || isAccepted(identity, baseline);
      if (!isKnown && isCovered(identity, rules)) {
        continue;
      }
      if (!isKnown && !isLearning()) {
        reported.add(identity);
      }
      boolean isNew = reported.contains(identity);
      if (isNew) {
        NewConnections at = all.computeIfAbsent(identity.endpoint(), it -> new NewConnections());
        at.flows.add(flow);
        at.owners.add(identity.owner());
        at.flags.addAll(flags(identity, flow, report));
      }
      state = state.with(identity, new Known(flow.time(), flow.time(), flow.address(), isNew));
    }
    return all.isEmpty() ? report : with(report, all);
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
    LiveConnections live = new LiveConnections(flows, notes);
    all.forEach(
        (at, it) -> {
          SocketDetails found = live.details(at, it.flows, it.flags);
          List<ProcessRef> held = found.processes().stream().map(ProcessDetails::process).toList();
          SocketEntry entry = new SocketEntry(at, new TreeSet<>(it.owners), held);
          differences.add(new Difference(DifferenceType.NEW, entry, entry));
          details.put(at, found);
        });
    return report.with(report.diff().and(differences), details, notes);
  }

  /** Finds the processes whose connections are still there, and names what they connect to. */
  private final class LiveConnections {
    private final Map<Connection, List<ProcessDetails>> processes;
    private final Map<String, String> hosts;
    private final Map<String, String> services;

    LiveConnections(List<OutboundFlow> flows, List<String> notes) throws IOException {
      processes = processes(flows, notes);
      List<String> addresses = flows.stream().map(OutboundFlow::address).distinct().toList();
      int named = config.outboundResolves() ? DiffReport.MAX_NAMED : 0;
      hosts = Dns.names(addresses.stream().limit(named).toList());
      services = ServicesFile.read(components.environment().sources().services());
    }

    private Map<Connection, List<ProcessDetails>> processes(
        List<OutboundFlow> flows, List<String> notes) {
      try {
        return new ConnectionScan(components)
            .processes(it -> flows.stream().anyMatch(flow -> isOf(it, flow)), notes);
      } catch (IOException e) {
        notes.add("the processes of outbound connections are unknown: " + ErrorMessages.explain(e));
        return Map.of();
      }
    }

    SocketDetails details(Endpoint at, List<OutboundFlow> flows, Set<Flag> flags) {
      List<String> peers =
          flows.stream()
              .map(it -> remote(it) + named(hosts.getOrDefault(it.address(), "")))
              .distinct()
              .toList();
      List<ProcessDetails> held =
          processes.entrySet().stream()
              .filter(it -> flows.stream().anyMatch(flow -> isOf(it.getKey(), flow)))
              .flatMap(it -> it.getValue().stream())
              .distinct()
              .toList();
      String protocol = at.protocol().label().replace("out-", "/");
      String service = services.getOrDefault(at.port() + protocol, "");
      return new SocketDetails(service, peers, held, flags, Optional.empty());
    }

    private static String remote(OutboundFlow flow) {
      String address = flow.address();
      return (address.indexOf(':') < 0 ? address : "[" + address + "]") + ":" + flow.port();
    }

    private static String named(String host) {
      return host.isEmpty() ? "" : " (" + host + ")";
    }

    private static boolean isOf(Connection it, OutboundFlow flow) {
      return it.outbound()
          && flow.protocol() == Protocol.OUT_TCP
          && it.socket().uid() == flow.uid()
          && it.remote().port() == flow.port()
          && kind(it.remote().address()).equals(kind(flow.address()));
    }
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

  /** Root runs whatever the administrator does, so it is not a system user here. */
  private Set<Flag> flags(Identity identity, OutboundFlow flow, DiffReport report) {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    String user = identity.owner().user();
    if (flow.uid() != 0 && !report.users().isLogin(user)) {
      flags.add(Flag.SYSTEM_USER);
      if (!state.knowsPort(flow.protocol(), flow.port(), user)) {
        flags.add(Flag.NEW_PORT);
      }
    }
    return flags;
  }

  /**
   * Stores what is known now if its alert is stored; then the kernel may forget it. Makes the table
   * where there is none. Throws an exception if connections may be missing.
   */
  void store(boolean isAlertStored) throws RepeatedScan.IncompleteException {
    if (state != null && isAlertStored) {
      attempt(this::storeState);
    }
    if (!incomplete.isEmpty()) {
      throw new RepeatedScan.IncompleteException(incomplete);
    }
  }

  private void storeState() throws IOException {
    String rules = rules();
    if (recorded.isEmpty() || !state.rules().equals(rules)) {
      state.withRules("").write(file); // the file says that there may be a table
      table.create();
      state = state.withRules(rules);
      state.write(file);
    } else if (!recorded.get().flows().isEmpty()) {
      state.write(file);
      table.flush(recorded.get());
    }
  }
}
