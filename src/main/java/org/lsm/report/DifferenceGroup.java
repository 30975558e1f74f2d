package org.lsm.report;

import static org.lsm.report.ProcessLines.add;
import static org.lsm.report.ProcessLines.addAll;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.OwnerLimit;
import org.lsm.model.Plural;
import org.lsm.model.PortClient;
import org.lsm.model.PortSet;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.Severity;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * Differences of one program and user in one unit: one block of a report. What suspicious and
 * changed sockets have for owners, they have in common.
 *
 * @param all the differences
 * @param named those that the report names, at least one, the most severe first
 */
record DifferenceGroup(DiffReport report, List<Difference> all, List<Difference> named) {
  /** Sockets that have a line of their own; the names of the others follow the details. */
  static final int MAX_TITLES = 5;

  private static final Set<Flag> NO_PROCESS = Set.of(Flag.NO_PROCESS, Flag.OUTSIDE_PID_NAMESPACE);

  /** Owners that a report describes: with the maker, and one that stands for further ones. */
  static final int MAX_OWNERS = OwnerLimit.MAX_OWNERS + 2;

  private static final int MAX_PIDS = 20; // of an owner; and of peers
  private static final int MAX_CLIENTS = 20; // of all ports
  private static final int MAX_ALSO = 200; // lines

  /** The groups of a report that have named differences, the most severe first. */
  static List<DifferenceGroup> of(DiffReport report) {
    Set<Difference> named = Set.copyOf(DiffReport.named(report.diff()));
    return groups(report).stream()
        .map(all -> new DifferenceGroup(report, all, all.stream().filter(named::contains).toList()))
        .filter(group -> !group.named.isEmpty())
        .sorted(
            Comparator.comparing((DifferenceGroup it) -> report.severity(it.named.get(0)))
                .thenComparing(it -> -it.suspicious().size())
                .thenComparing(it -> it.named.get(0).type()))
        .toList();
  }

  private static Collection<List<Difference>> groups(DiffReport report) {
    List<Difference> differences = report.diff().differences();
    Set<Object> strict = new HashSet<>();
    for (Difference it : differences) {
      if (isHandedOver(it) || report.severity(it) == Severity.HIGH) {
        strict.add(List.of(unit(it, report), it.after().owners()));
      }
    }
    Map<Object, List<Difference>> groups = new LinkedHashMap<>();
    Map<Object, Set<Object>> keys = new HashMap<>();
    for (Difference it : differences) {
      if (it.type() != DifferenceType.GONE) {
        Object key = key(it, report, strict);
        groups.computeIfAbsent(key, any -> new ArrayList<>()).add(it);
        List<Object> marks = new ArrayList<>(marks(it));
        mainOwner(it.after()).ifPresent(marks::add);
        marks.removeIf(mark -> key.equals(it.endpoint())); // it stands alone
        marks.forEach(mark -> keys.computeIfAbsent(mark, any -> new HashSet<>()).add(key));
      }
    }
    for (Difference it : differences) {
      if (it.type() == DifferenceType.GONE) {
        groups.computeIfAbsent(keyOfGone(it, keys), any -> new ArrayList<>()).add(it);
      }
    }
    return groups.values();
  }

  private static boolean isHandedOver(Difference difference) {
    return difference.type() == DifferenceType.CHANGED && !difference.isReplaced();
  }

  /** All owners of a socket now and before, each as one value. */
  private static List<Object> marks(Difference difference) {
    return List.of(
        Map.entry("now", difference.after().owners()),
        Map.entry("before", difference.before().owners()));
  }

  /** The group of the same owners; its unit is not known: where two fit, it stands for itself. */
  private static Object keyOfGone(Difference gone, Map<Object, Set<Object>> keys) {
    Set<Owner> owners = gone.after().owners();
    List<Object> marks = new ArrayList<>(owners);
    marks.add(0, marks(gone).get(0));
    marks.add(marks(gone).get(1));
    Set<Object> fitting =
        marks.stream().filter(keys::containsKey).findFirst().map(keys::get).orElse(Set.of());
    boolean isUnknown = owners.isEmpty() || gone.after().ownerUnknown();
    Object own = isUnknown ? gone.endpoint() : owners;
    return fitting.size() == 1 && !isUnknown ? fitting.iterator().next() : own;
  }

  /** What the differences of a group have in common; a socket of unknown owners stands alone. */
  private static Object key(Difference difference, DiffReport report, Set<Object> strict) {
    SocketEntry entry = difference.after();
    Optional<Owner> main = mainOwner(entry);
    if (main.isEmpty()
        || entry.ownerUnknown()
        || report.details(difference).suspectedParent().isPresent()) {
      return difference.endpoint();
    }
    List<Object> exact = List.of(unit(difference, report), entry.owners());
    return strict.contains(exact) ? exact : List.of(unit(difference, report), main.get());
  }

  /** The owner of the oldest process: its helpers come and go. */
  private static Optional<Owner> mainOwner(SocketEntry entry) {
    return entry.processes().stream()
        .min(Comparator.comparing(ProcessRef::startTicks).thenComparing(ProcessRef::pid))
        .map(ProcessRef::owner)
        .or(() -> entry.owners().stream().findFirst());
  }

  private static String unit(Difference difference, DiffReport report) {
    Optional<Owner> main = mainOwner(difference.after());
    return report.details(difference).processes().stream()
        .filter(it -> main.equals(Optional.of(it.process().owner())))
        .map(ProcessDetails::unit)
        .findFirst()
        .orElse("");
  }

  int size() {
    return all.size();
  }

  int count(DifferenceType type) {
    return (int) all.stream().filter(it -> it.type() == type).count();
  }

  /** The processes that hold a socket of this group, the owners in turn. */
  List<ProcessRef> heldBy() {
    Stream<ProcessRef> held = named.stream().flatMap(it -> it.after().processes().stream());
    return Diff.inTurns(held.distinct().toList(), ProcessRef::owner);
  }

  boolean hasFurtherOwners() {
    return named.stream().anyMatch(it -> it.after().hasFurtherOwners());
  }

  private List<SocketDetails> details() {
    return named.stream().map(report::details).toList();
  }

  /** The oldest process of each owner of a socket, where it is known. */
  List<ProcessDetails> processes() {
    return details().stream().flatMap(it -> it.processes().stream()).distinct().toList();
  }

  private Set<Flag> suspicious() {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    details().forEach(it -> flags.addAll(Severity.suspicious(it)));
    return flags;
  }

  /** The owners that all sockets have which are not GONE. */
  private SortedSet<Owner> owners() {
    SortedSet<Owner> owners = new TreeSet<>(named.get(0).after().owners());
    for (Difference it : named) {
      if (it.type() != DifferenceType.GONE) {
        owners.retainAll(it.after().owners());
      }
    }
    return owners;
  }

  /** The block, followed by an empty line; in short if the report is too long for details. */
  List<Line> lines(boolean isDetailed) {
    List<Line> lines = new ArrayList<>();
    SortedSet<Owner> owners = owners();
    int titles = Math.min(MAX_TITLES, named.size());
    List<Line> last = List.of();
    for (Difference it : named.subList(0, titles)) {
      List<Line> remarks = remarks(it, owners);
      if (!remarks.equals(last)) {
        lines.addAll(last);
        last = remarks;
      }
      EscapedText name = EscapedText.withRemark(it.endpoint(), report.details(it).service());
      boolean isHigh = report.severity(it) == Severity.HIGH;
      lines.add(
          isHigh
              ? Line.of(Style.HIGH_TITLE, Line.pad(it.type().name(), 9) + DiffReport.HIGH, name)
              : Line.of(Style.TITLE, it.type().name(), name));
    }
    if (size() > titles) {
      lines.add(Line.of(Style.DETAIL, "and", Plural.count(size() - titles, "more socket")));
    }
    lines.addAll(last);
    addOwners(lines, owners, isDetailed ? processes() : List.of());
    addSocketDetails(lines);
    lines.add(Line.BLANK);
    return lines;
  }

  /** The lines below the title of a socket: its suspicious flags and its further owners. */
  private List<Line> remarks(Difference difference, SortedSet<Owner> common) {
    List<Line> lines = new ArrayList<>();
    SocketEntry entry = difference.after();
    for (Flag flag : Severity.suspicious(report.details(difference))) {
      lines.add(Line.of(Style.FLAG, "!", words(flag, entry)));
    }
    String rule = difference.requiredBy();
    add(lines, Style.DETAIL, "required", rule.isEmpty() ? "" : "by " + rule);
    boolean isGone = difference.type() == DifferenceType.GONE;
    if (isHandedOver(difference) || (isGone && !common.containsAll(entry.owners()))) {
      EscapedText before = OwnerText.of(difference.before(), report.users());
      lines.add(Line.of(Style.CODE, "before", before));
    }
    SortedSet<Owner> others = new TreeSet<>(isGone ? Set.of() : entry.owners());
    others.removeAll(common);
    if (!others.isEmpty()) {
      SocketEntry rest = new SocketEntry(entry.endpoint(), others, List.of());
      String pids =
          pids(entry.processes().stream().filter(it -> others.contains(it.owner())).toList());
      String ofThem = pids.isEmpty() ? "" : ", PID " + pids;
      lines.add(Line.of(Style.CODE, "with", OwnerText.of(rest, report.users()), ofThem));
    }
    return lines;
  }

  private EscapedText words(Flag flag, SocketEntry entry) {
    EscapedText made = OwnerText.madeBy(entry, report.users(), "", ", ");
    return flag == Flag.MAKER_DIFFERS && !made.text().isEmpty()
        ? EscapedText.of(made, "held by ", OwnerText.holders(entry, report.users()))
        : EscapedText.of(flag.words());
  }

  private void addOwners(List<Line> lines, SortedSet<Owner> owners, List<ProcessDetails> details) {
    SocketEntry first = named.get(0).after();
    if (first.endpoint().isOutbound()) {
      ProcessLines.addOutbound(lines, owners, details, report);
      return;
    }
    if (first.hasNoProcess()) {
      boolean outside = details().get(0).flags().contains(Flag.OUTSIDE_PID_NAMESPACE);
      Flag reason = outside ? Flag.OUTSIDE_PID_NAMESPACE : Flag.NO_PROCESS;
      boolean isOver =
          named.get(0).type() == DifferenceType.GONE
              || details().get(0).flags().contains(Flag.ALREADY_CLOSED);
      String none = isOver ? "none was found" : reason.words();
      EscapedText made = OwnerText.madeBy(first, report.users(), "", ", ");
      lines.add(Line.of(Style.DETAIL, "program", made, none));
    }
    Map<Owner, List<ProcessRef>> processes =
        heldBy().stream().collect(Collectors.groupingBy(ProcessRef::owner));
    for (Owner owner : owners.stream().limit(MAX_OWNERS).toList()) {
      if (owner.isMaker()) {
        continue;
      }
      List<ProcessRef> held = processes.getOrDefault(owner, List.of());
      boolean isUnknown = owner.equals(Owner.UNKNOWN);
      if (isUnknown) {
        String why = held.isEmpty() ? "lsm cannot see all processes" : "it cannot be read";
        add(lines, Style.DETAIL, "program", "unknown: " + why);
      } else {
        lines.add(Line.of(Style.CODE, "program", OwnerText.program(owner)));
      }
      add(lines, Style.DETAIL, "PID", pids(held));
      add(lines, Style.DETAIL, "user", isUnknown ? "" : report.users().withName(owner.user()));
      Optional<Instant> start = held.stream().map(ProcessRef::startTime).min(Instant::compareTo);
      add(lines, Style.DETAIL, "started", start.map(report::timeWithAge).orElse(""));
      var own = details.stream().filter(it -> it.process().owner().equals(owner)).toList();
      ProcessLines.addDetails(lines, own, report, names());
    }
    int more = owners.size() - MAX_OWNERS;
    add(lines, Style.DETAIL, "and", more > 0 ? Plural.count(more, "more owner") : "");
  }

  private static String pids(List<ProcessRef> processes) {
    int more = processes.size() - MAX_PIDS;
    String pids = OwnerText.pids(processes, MAX_PIDS).replace(",", ", ");
    return pids + (more > 0 ? " and " + more + " more" : "");
  }

  private Set<String> names() {
    return named.stream().map(it -> it.endpoint().toString()).collect(Collectors.toSet());
  }

  private void addSocketDetails(List<Line> lines) {
    var facts = details().stream().map(SocketDetails::facts).distinct();
    facts.forEach(it -> ProcessLines.addFacts(lines, it, Set.of()));
    add(lines, Style.DETAIL, "note", String.join(", ", properties()));
    details()
        .get(0)
        .suspectedParent()
        .ifPresent(it -> add(lines, Style.CODE, "part of", "perhaps the name of " + it));
    var peers = details().stream().flatMap(it -> it.peers().stream()).distinct().limit(MAX_PIDS);
    add(lines, Style.CODE, "connected", peers.collect(Collectors.joining(", ")));
    addClients(lines);
    Set<DifferenceType> types = types();
    boolean isGone = types.contains(DifferenceType.GONE);
    String label = types.contains(DifferenceType.NEW) ? "appeared" : isGone ? "gone" : "changed";
    Optional<Instant> absent =
        named.stream().flatMap(it -> report.absentAt(it).stream()).findFirst();
    add(
        lines,
        Style.DETAIL,
        types.size() > 1 ? "found" : label,
        absent.map(report::between).orElse(""));
    label = "also";
    for (String it : others()) {
      lines.add(Line.of(Style.CODE, label, new EscapedText(it)));
      label = "";
    }
  }

  /** Who came to the ports, as the packet filter has recorded it. */
  private void addClients(List<Line> lines) {
    List<String> clients = new ArrayList<>();
    for (Difference it : named) {
      for (PortClient client : report.details(it).clients()) {
        clients.add(
            client.address()
                + (named.size() > 1 ? " to port " + it.endpoint().port() : "")
                + ", "
                + Plural.count(client.packets(), "packet")
                + ", "
                + report.between(client.first(), client.last()));
      }
    }
    int more = clients.size() - MAX_CLIENTS;
    addAll(lines, Style.DETAIL, "from", clients.stream().limit(MAX_CLIENTS).toList());
    add(lines, Style.DETAIL, "", more > 0 ? "and " + Plural.count(more, "more client") : "");
  }

  private Set<DifferenceType> types() {
    return named.stream().map(Difference::type).collect(Collectors.toSet());
  }

  /** The sockets without a line of their own, those of one address together, with ranges. */
  private List<String> others() {
    Map<String, SortedSet<Integer>> portsByAddress = new LinkedHashMap<>();
    for (Difference it : named.subList(Math.min(MAX_TITLES, named.size()), named.size())) {
      String type = types().size() > 1 ? it.type() + " " : "";
      String name = type + EscapedText.word(it.endpoint());
      int port = it.endpoint().port();
      boolean isLast = name.endsWith(":" + port);
      String address = isLast ? name.substring(0, name.lastIndexOf(':') + 1) : name;
      var ports = portsByAddress.computeIfAbsent(address, key -> new TreeSet<>());
      ports.addAll(isLast ? Set.of(port) : Set.of());
    }
    List<String> others = new ArrayList<>();
    portsByAddress.forEach(
        (address, ports) -> others.add(address + PortSet.of(ports).toString().replace(",", ", ")));
    int left = size() - named.size();
    if (others.size() > MAX_ALSO) {
      return List.of("…");
    }
    if (!others.isEmpty() && left > 0) {
      others.add("and " + left + " more");
    }
    return others;
  }

  /** The flags that are not suspicious, with the number of sockets if only some have them. */
  private List<String> properties() {
    Map<Flag, Integer> counts = new EnumMap<>(Flag.class);
    details()
        .forEach(
            it -> Severity.properties(it).forEach(flag -> counts.merge(flag, 1, Integer::sum)));
    counts.keySet().removeAll(suspicious());
    counts.keySet().removeAll(NO_PROCESS); // the line "program" says so
    long all = named.stream().filter(it -> it.type() != DifferenceType.GONE).count();
    return counts.entrySet().stream()
        .map(it -> (it.getValue() < all ? it.getValue() + " of them " : "") + it.getKey().words())
        .toList();
  }
}
