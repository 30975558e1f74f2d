package org.lsm.report;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.lsm.report.EscapedText.escape;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Flag;
import org.lsm.model.ProcessRef;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** What to do next, with commands that are ready to be pasted into a shell. */
final class Advice {
  private static final int MAX_COMMANDS = 10;
  private static final int MAX_STOPPED = 200; // processes; the length of a command is limited
  private static final Pattern SAFE_WORD =
      Pattern.compile("[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+,-]*");

  private Advice() {}

  /** How to accept differences, and what to do about a process that should not be there. */
  static List<Line> of(List<DifferenceGroup> groups) {
    List<Line> lines = new ArrayList<>();
    if (groups.get(0).report().before().isDeclared()) {
      addRules(lines, groups);
    } else if (groups.stream().anyMatch(it -> !acceptable(it).isEmpty())) {
      addAccepts(lines, groups);
    }
    groups.stream()
        .filter(it -> !it.heldBy().isEmpty())
        .findFirst()
        .ifPresent(it -> addSteps(lines, it, groups.size() > 1));
    return lines;
  }

  /** What {@code lsm accept} takes: a socket that a rule requires stays required. */
  private static List<Difference> acceptable(DifferenceGroup group) {
    return group.named().stream().filter(it -> it.requiredBy().isEmpty()).toList();
  }

  /** The rules that would allow what is there. */
  private static void addRules(List<Line> lines, List<DifferenceGroup> groups) {
    List<String> rules =
        groups.stream()
            .flatMap(it -> acceptable(it).stream())
            .filter(it -> it.type() != DifferenceType.GONE)
            .flatMap(it -> RuleText.allow(it.after()).stream())
            .distinct()
            .toList();
    if (!rules.isEmpty()) {
      lines.add(heading("If this is as it should be, add rules to a file in rules.d:"));
      rules.stream().limit(MAX_COMMANDS).forEach(it -> lines.add(command(it)));
      lines.add(Line.BLANK);
    }
  }

  private static void addAccepts(List<Line> lines, List<DifferenceGroup> groups) {
    lines.add(heading("If this is as it should be:"));
    Map<ProcessRef, Long> groupsOf =
        groups.stream()
            .flatMap(it -> it.heldBy().stream())
            .collect(groupingBy(it -> it, counting()));
    List<String> accepts = groups.stream().flatMap(it -> accept(it, groupsOf).stream()).toList();
    accepts.stream().limit(MAX_COMMANDS).forEach(it -> lines.add(command(it)));
    if (groups.size() > 1 || accepts.isEmpty()) {
      lines.add(Line.of(Style.ADVICE, "", "To accept everything that is there now: lsm generate"));
    }
    lines.add(Line.BLANK);
  }

  /**
   * The command that accepts a group: by the names of its sockets; if it has many, by PIDs, unless
   * these would accept another group as well.
   */
  private static Optional<String> accept(DifferenceGroup group, Map<ProcessRef, Long> groupsOf) {
    boolean isSmall = group.size() <= DifferenceGroup.MAX_TITLES;
    Set<String> words = new LinkedHashSet<>();
    for (Difference it : acceptable(group)) {
      Optional<ProcessRef> process = it.after().processes().stream().findFirst();
      if (!isSmall && process.isPresent() && groupsOf.get(process.get()) > 1) {
        return Optional.empty();
      }
      words.add(isSmall || process.isEmpty() ? pattern(it) : "pid=" + process.get().pid());
    }
    String names = String.join(" ", words);
    return words.isEmpty() || words.size() > DifferenceGroup.MAX_TITLES
        ? Optional.empty()
        : Optional.of(acceptCommand(isClosed(group) ? "--optional " : "", names));
  }

  /** Whether no socket of a group was left: accepted as it is, it would be GONE at once. */
  private static boolean isClosed(DifferenceGroup group) {
    return group.named().stream()
        .allMatch(it -> group.report().details(it).flags().contains(Flag.ALREADY_CLOSED));
  }

  /** The command that accepts differences by these words of a shell; an option ends in a space. */
  static String acceptCommand(String option, String names) {
    return "lsm accept " + option + (names.startsWith("'-") ? "-- " : "") + names;
  }

  static String copyProgram(int pid) {
    return "cp /proc/" + pid + "/exe /root/program-" + pid;
  }

  /** The command that stops processes; takes PIDs, separated by spaces. */
  static String stop(String pids) {
    return "kill -STOP " + pids;
  }

  /** The pattern of the socket of a difference, as one word of a shell. */
  static String pattern(Difference difference) {
    return quote(EscapedText.pattern(difference.endpoint()));
  }

  private static void addSteps(List<Line> lines, DifferenceGroup group, boolean isOneOfMany) {
    List<ProcessRef> held = group.heldBy();
    int pid = held.get(0).pid();
    String parents =
        Stream.concat(
                Stream.of(pid),
                group.processes().stream()
                    .filter(it -> it.process().pid() == pid)
                    .flatMap(it -> it.parents().stream())
                    .map(ProcessRef::pid))
            .filter(it -> it != 1)
            .map(it -> " _PID=" + it)
            .collect(Collectors.joining());
    String which = isOneOfMany ? "If one is not yours, here PID " + pid : "If this is not yours";
    lines.add(heading(which + ":"));
    lines.add(step(1, "Keep a copy of the program: it may be gone when the process ends."));
    lines.add(command(copyProgram(pid)));
    String stop = "Stop the process, or end it with -KILL instead of -STOP.";
    boolean isCut = held.size() >= MAX_STOPPED || group.hasFurtherOwners();
    String more = " There may be more processes than these.";
    lines.add(step(2, stop + (isCut ? more : "")));
    lines.add(command(stop(OwnerText.pids(held, MAX_STOPPED).replace(",", " "))));
    lines.add(step(3, "See what it and its parents logged, here and in /var/log."));
    lines.add(command("journalctl -b" + parents));
    lines.add(Line.BLANK);
  }

  /** What to do where the baseline in a state directory is missing or damaged. */
  static List<Line> restoreBaseline(Path stateDirectory) {
    String baseline = escape(stateDirectory.resolve("baseline").toString());
    List<Line> lines = new ArrayList<>();
    lines.add(heading("Take no new baseline before you know why: it accepts whatever runs now."));
    lines.add(step(1, "See who ran lsm, and who was logged in."));
    lines.add(command("lsm history; last"));
    if (Files.exists(stateDirectory.resolve("baseline.1"))) {
      lines.add(step(2, "Restore the baseline before it, or one from a backup."));
      lines.add(command("cp -p " + quote(baseline + ".1") + " " + quote(baseline)));
    } else {
      lines.add(step(2, "Restore the baseline from a backup."));
    }
    lines.addAll(List.of(step(3, "See what differs from it."), command("lsm compare"), Line.BLANK));
    return lines;
  }

  static Line heading(String text) {
    return Line.of(Style.HEADING, "", text);
  }

  private static Line step(int number, String text) {
    return Line.of(Style.STEP, number + ".", text);
  }

  /** A command line, which is escaped already. */
  static Line command(String line) {
    return Line.of(Style.COMMAND, "", new EscapedText(line));
  }

  /** A text without control characters as one word of a shell. */
  private static String quote(String text) {
    return SAFE_WORD.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
