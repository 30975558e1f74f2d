package org.lsm.report;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.OwnerLimit;
import org.lsm.model.Plural;
import org.lsm.model.PortSet;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * Differences of one type whose sockets the same processes hold: one block of a report.
 *
 * @param size the number of differences
 * @param named those that the report names, at least one
 */
record DifferenceGroup(DiffReport report, DifferenceType type, int size, List<Difference> named) {
  /** Sockets that have a line of their own; the names of the others follow the details. */
  static final int MAX_TITLES = 5;

  private static final Set<Flag> NO_PROCESS = Set.of(Flag.NO_PROCESS, Flag.OUTSIDE_PID_NAMESPACE);

  /** Owners that a report describes: with the maker, and one that stands for further ones. */
  static final int MAX_OWNERS = OwnerLimit.MAX_OWNERS + 2;

  private static final int MAX_PIDS = 20; // of an owner; and of peers

  /** The groups of a report that have named differences, the most suspicious first. */
  static List<DifferenceGroup> of(DiffReport report, DifferenceType type) {
    Set<Difference> named = Set.copyOf(report.diff().of(type, DiffReport.MAX_NAMED));
    Map<Object, List<Difference>> groups = new LinkedHashMap<>();
    for (Difference it : report.diff().of(type)) {
      groups.computeIfAbsent(key(it, report.details(it)), key -> new ArrayList<>()).add(it);
    }
    return groups.values().stream()
        .map(
            all ->
                new DifferenceGroup(
                    report, type, all.size(), all.stream().filter(named::contains).toList()))
        .filter(group -> !group.named.isEmpty())
        .sorted(Comparator.comparing((DifferenceGroup it) -> -it.suspicious().size()))
        .toList();
  }

  /** What the differences of a group have in common; a socket of unknown owners stands alone. */
  private static Object key(Difference difference, SocketDetails details) {
    SocketEntry entry = difference.after();
    return entry.owners().isEmpty() || entry.ownerUnknown() || details.suspectedParent().isPresent()
        ? difference.endpoint()
        : List.of(difference.before().owners(), entry.owners(), entry.processes());
  }

  SocketEntry entry() {
    return named.get(0).after();
  }

  private List<SocketDetails> details() {
    return named.stream().map(report::details).toList();
  }

  /** The oldest process of each owner, where it is known. */
  List<ProcessDetails> processes() {
    var processes = details().stream().map(SocketDetails::processes);
    return processes.filter(it -> !it.isEmpty()).findFirst().orElse(List.of());
  }

  private Set<Flag> flags() {
    Set<Flag> flags = EnumSet.noneOf(Flag.class);
    details().forEach(it -> flags.addAll(it.flags()));
    processes().forEach(it -> flags.addAll(it.flags()));
    return flags;
  }

  /**
   * The suspicious flags; the others are properties. An interpreter is suspicious if other hosts
   * can reach it.
   */
  private Set<Flag> suspicious() {
    Set<Flag> flags = flags();
    boolean isReachable = flags.contains(Flag.BEYOND_LOOPBACK);
    flags.removeAll(Set.of(Flag.ALREADY_CLOSED, Flag.BEYOND_LOOPBACK));
    flags.removeAll(NO_PROCESS);
    if (!isReachable) {
      flags.remove(Flag.INTERPRETER);
    }
    return flags;
  }

  /** The block, followed by an empty line; in short if the report is too long for details. */
  List<Line> lines(boolean isDetailed) {
    List<Line> lines = new ArrayList<>();
    int titles = Math.min(MAX_TITLES, named.size());
    for (Difference it : named.subList(0, titles)) {
      EscapedText name = EscapedText.withRemark(it.endpoint(), report.details(it).service());
      lines.add(Line.of(Style.TITLE, type.name(), name));
    }
    if (size > titles) {
      lines.add(Line.of(Style.DETAIL, "and", Plural.count(size - titles, "more socket")));
    }
    suspicious().forEach(it -> lines.add(Line.of(Style.FLAG, "!", words(it))));
    if (type == DifferenceType.CHANGED && !named.get(0).isReplaced()) {
      EscapedText before = DiffReport.owners(named.get(0).before(), report.userNames());
      lines.add(Line.of(Style.CODE, "before", before));
    }
    addOwners(lines, isDetailed ? processes() : List.of());
    addSocketDetails(lines);
    lines.add(Line.BLANK);
    return lines;
  }

  private EscapedText words(Flag flag) {
    EscapedText made = madeBy();
    return flag == Flag.MAKER_DIFFERS && !made.text().isEmpty()
        ? EscapedText.of(made, "held by ", DiffReport.holders(entry(), report.userNames()))
        : EscapedText.of(flag.words());
  }

  private EscapedText madeBy() {
    return DiffReport.madeBy(entry(), report.userNames(), "", ", ");
  }

  private void addOwners(List<Line> lines, List<ProcessDetails> details) {
    if (entry().hasNoProcess()) {
      boolean outside = flags().contains(Flag.OUTSIDE_PID_NAMESPACE);
      Flag reason = outside ? Flag.OUTSIDE_PID_NAMESPACE : Flag.NO_PROCESS;
      boolean isGone = type == DifferenceType.GONE;
      String none = isGone ? "none was found" : reason.words();
      lines.add(Line.of(Style.DETAIL, "program", madeBy(), none));
    }
    Map<Owner, List<ProcessRef>> processes = DiffReport.byOwner(entry());
    for (Owner owner : entry().owners().stream().limit(MAX_OWNERS).toList()) {
      if (owner.isMaker()) {
        continue;
      }
      List<ProcessRef> held = processes.getOrDefault(owner, List.of());
      if (owner.equals(Owner.UNKNOWN)) {
        String why = held.isEmpty() ? "lsm cannot see all processes" : "it cannot be read";
        add(lines, Style.DETAIL, "program", "unknown: " + why);
        add(lines, Style.DETAIL, "PID", pids(held));
        continue;
      }
      lines.add(Line.of(Style.CODE, "program", DiffReport.program(owner)));
      add(lines, Style.DETAIL, "PID", pids(held));
      add(lines, Style.DETAIL, "user", report.userNames().apply(owner.user()));
      Optional<Instant> start = held.stream().map(ProcessRef::startTime).min(Instant::compareTo);
      add(lines, Style.DETAIL, "started", start.map(report::timeWithAge).orElse(""));
      details.stream()
          .filter(it -> it.process().owner().equals(owner))
          .forEach(it -> addDetails(lines, it));
    }
    int more = entry().owners().size() - MAX_OWNERS;
    add(lines, Style.DETAIL, "and", more > 0 ? Plural.count(more, "more owner") : "");
  }

  private static String pids(List<ProcessRef> processes) {
    int more = processes.size() - MAX_PIDS;
    String pids = DiffReport.pids(processes, MAX_PIDS).replace(",", ", ");
    return pids + (more > 0 ? " and " + more + " more" : "");
  }

  private void addDetails(List<Line> lines, ProcessDetails process) {
    add(lines, Style.CODE, "command", process.commandLine());
    add(lines, Style.CODE, "directory", process.workingDirectory());
    add(lines, Style.CODE, "unit", process.unit());
    String label = "parents";
    for (ProcessRef it : process.parents()) {
      EscapedText name = DiffReport.name(it.owner(), report.userNames());
      lines.add(Line.of(Style.CODE, label, name, ", PID ", it.pid()));
      label = "";
    }
  }

  private void addSocketDetails(List<Line> lines) {
    SocketDetails first = report.details(named.get(0));
    add(lines, Style.DETAIL, "note", String.join(", ", properties()));
    first
        .suspectedParent()
        .ifPresent(it -> add(lines, Style.CODE, "part of", "perhaps the name of " + it));
    var peers = details().stream().flatMap(it -> it.peers().stream()).distinct().limit(MAX_PIDS);
    add(lines, Style.CODE, "connected", peers.collect(Collectors.joining(", ")));
    boolean isGone = type == DifferenceType.GONE;
    String label = type == DifferenceType.NEW ? "appeared" : isGone ? "gone" : "changed";
    Optional<Instant> absent = report.absentAt(named.get(0));
    add(lines, Style.DETAIL, label, absent.map(report::between).orElse(""));
    label = "also";
    for (String it : others()) {
      lines.add(Line.of(Style.CODE, label, new EscapedText(it)));
      label = "";
    }
  }

  /** The sockets without a line of their own, those of one address together, with ranges. */
  private List<String> others() {
    Map<String, SortedSet<Integer>> portsByAddress = new LinkedHashMap<>();
    for (Difference it : named.subList(Math.min(MAX_TITLES, named.size()), named.size())) {
      String name = EscapedText.word(it.endpoint());
      int port = it.endpoint().port();
      boolean isLast = name.endsWith(":" + port);
      String address = isLast ? name.substring(0, name.lastIndexOf(':') + 1) : name;
      var ports = portsByAddress.computeIfAbsent(address, key -> new TreeSet<>());
      ports.addAll(isLast ? Set.of(port) : Set.of());
    }
    List<String> others = new ArrayList<>();
    portsByAddress.forEach(
        (address, ports) -> others.add(address + PortSet.of(ports).toString().replace(",", ", ")));
    if (!others.isEmpty() && size > named.size()) {
      others.add("and " + (size - named.size()) + " more");
    }
    return others;
  }

  /** The flags that are not suspicious, with the number of sockets if only some have them. */
  private List<String> properties() {
    Set<Flag> properties = flags();
    properties.removeAll(suspicious());
    properties.removeAll(NO_PROCESS); // the line "program" says so
    return properties.stream().map(this::withCount).toList();
  }

  private String withCount(Flag flag) {
    long having = details().stream().filter(it -> it.flags().contains(flag)).count();
    boolean isPart = having > 0 && having < named.size();
    return (isPart ? having + " of them " : "") + flag.words();
  }

  /** Adds a line unless its text is empty. */
  private static void add(List<Line> lines, Style style, String label, String text) {
    if (!text.isEmpty()) {
      lines.add(Line.of(style, label, text));
    }
  }
}
