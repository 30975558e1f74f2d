package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Owner;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketEntry;

/** The owners and processes of a socket in words, escaped. */
final class OwnerText {
  private static final int MAX_BRIEF = 40;

  private OwnerText() {}

  /** The first owner, and how many more there are. */
  static String brief(SocketEntry entry, Users users) {
    List<Owner> holders = entry.owners().stream().filter(it -> !it.isMaker()).toList();
    int more = holders.stream().mapToInt(Owner::count).sum() - 1;
    return holders.stream().findFirst().map(it -> brief(it, users)).orElse("no visible process")
        + (more > 0 ? " and " + more + " more" : "")
        + EscapedText.cut(madeBy(entry, users, ", ", "").text(), MAX_BRIEF);
  }

  /** The names of a program and its script without their directories, and the user. */
  private static String brief(Owner owner, Users users) {
    String program = owner.program().substring(owner.program().lastIndexOf('/') + 1);
    String script = owner.script().substring(owner.script().lastIndexOf('/') + 1);
    String names = program(new Owner(owner.user(), program, script)).text();
    String user = EscapedText.cut(escape(users.withName(owner.user())), MAX_BRIEF);
    return owner.equals(Owner.UNKNOWN)
        ? "unknown owner"
        : EscapedText.cut(names, MAX_BRIEF) + " (" + user + ")";
  }

  static Map<Owner, List<ProcessRef>> byOwner(SocketEntry entry) {
    return entry.processes().stream().collect(Collectors.groupingBy(ProcessRef::owner));
  }

  /** The PIDs of the first {@code max} processes in order. */
  static String pids(List<ProcessRef> processes, int max) {
    Stream<Integer> pids = processes.stream().limit(max).map(ProcessRef::pid).sorted();
    return pids.map(String::valueOf).collect(Collectors.joining(","));
  }

  /** Who holds a socket, and who made it if that is somebody else. */
  static EscapedText of(SocketEntry entry, Users users) {
    return EscapedText.of(holders(entry, users), madeBy(entry, users, ", ", ""));
  }

  /** The owners of a socket but its maker. */
  static EscapedText holders(SocketEntry entry, Users users) {
    Stream<Owner> holders = entry.owners().stream().filter(it -> !it.isMaker());
    Stream<String> names =
        holders.limit(DifferenceGroup.MAX_OWNERS).map(it -> name(it, users).text());
    return new EscapedText(
        entry.hasNoProcess() ? "no visible process" : names.collect(Collectors.joining(", ")));
  }

  /** Who made a socket that no process of theirs holds, between two texts; else empty. */
  static EscapedText madeBy(SocketEntry entry, Users users, String before, String after) {
    Stream<Owner> makers = entry.owners().stream().filter(Owner::isMaker);
    Stream<String> names = makers.map(it -> escape(users.withName(it.user())));
    String all = names.collect(Collectors.joining(", "));
    return new EscapedText(all.isEmpty() ? "" : before + "made by " + all + after);
  }

  static EscapedText name(Owner owner, Users users) {
    if (owner.user().isEmpty()) {
      return EscapedText.of(owner.program()); // further owners
    }
    return owner.equals(Owner.UNKNOWN)
        ? EscapedText.of("an unknown owner")
        : EscapedText.of(program(owner), " (", users.withName(owner.user()), ")");
  }

  /** A program, with the script if it is an interpreter. */
  static EscapedText program(Owner owner) {
    if (owner.program().isEmpty()) {
      return EscapedText.of("unknown unit"); // of outbound connections
    }
    boolean isUnknown = owner.script().equals(Owner.UNKNOWN_SCRIPT);
    String script = isUnknown ? "(script unknown)" : owner.script();
    return script.isEmpty()
        ? EscapedText.of(owner.program())
        : EscapedText.of(owner.program(), " ", script);
  }
}
