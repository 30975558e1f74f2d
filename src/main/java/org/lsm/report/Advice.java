package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.ProcessRef;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** What to do next, with commands that are ready to be pasted into a shell. */
final class Advice {
  private static final int MAX_COMMANDS = 10;
  private static final Pattern SAFE_WORD =
      Pattern.compile("[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+,-]*");
  private static final Pattern SPECIAL = Pattern.compile("[*?!']");

  private Advice() {}

  /** How to accept differences, and what to do about a process that should not be there. */
  static List<Line> of(List<DifferenceGroup> groups) {
    List<Line> lines = new ArrayList<>();
    lines.add(heading("If this is as it should be:"));
    List<String> accepts = groups.stream().flatMap(it -> accept(it).stream()).toList();
    accepts.stream().limit(MAX_COMMANDS).forEach(it -> lines.add(command(it)));
    if (groups.size() > 1 || accepts.isEmpty()) {
      lines.add(Line.of(Style.ADVICE, "", "To accept everything that is there now: lsm generate"));
    }
    lines.add(Line.BLANK);
    groups.stream()
        .filter(it -> it.type() != DifferenceType.GONE && !it.entry().processes().isEmpty())
        .findFirst()
        .ifPresent(it -> addSteps(lines, it, groups.size() > 1));
    return lines;
  }

  /** The command that accepts a group: by the names of its sockets, or by a PID if it has many. */
  private static Optional<String> accept(DifferenceGroup group) {
    if (group.size() <= DifferenceGroup.MAX_TITLES) {
      String names =
          group.named().stream().map(it -> quote(it.endpoint())).collect(Collectors.joining(" "));
      return Optional.of("lsm accept " + (names.startsWith("'-") ? "-- " : "") + names);
    }
    List<ProcessRef> processes = group.entry().processes();
    return processes.stream().findFirst().map(it -> "lsm accept " + it.pid());
  }

  private static void addSteps(List<Line> lines, DifferenceGroup group, boolean isOneOfMany) {
    List<ProcessRef> held = group.entry().processes();
    int pid = held.get(0).pid();
    String pids = DiffReport.pids(held, DifferenceGroup.MAX_OWNERS).replace(",", " ");
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
    lines.add(command("cp /proc/" + pid + "/exe /root/program-" + pid));
    lines.add(step(2, "Stop the process, or end it with -KILL instead of -STOP."));
    lines.add(command("kill -STOP " + pids));
    lines.add(step(3, "See what it and its parents logged, here and in /var/log."));
    lines.add(command("journalctl -b" + parents));
    lines.add(Line.BLANK);
  }

  /** What to do where the baseline in a state directory is missing or damaged. */
  static List<Line> restoreBaseline(Path stateDirectory) {
    String baseline = escape(stateDirectory.resolve("baseline").toString());
    String copy = quote(baseline + ".1") + " " + quote(baseline);
    return List.of(
        heading("Take no new baseline before you know why: it accepts whatever runs now."),
        step(1, "See who ran lsm, and who was logged in."),
        command("lsm history; last"),
        step(2, "Restore the baseline before it, or one from a backup."),
        command("cp -p " + copy),
        step(3, "See what differs from it."),
        command("lsm compare"),
        Line.BLANK);
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

  /** The name of a socket as one word, which <em>accept</em> takes literally: no star matches. */
  private static String quote(Endpoint endpoint) {
    String name = escape(endpoint.toString());
    return quote(SPECIAL.matcher(name).replaceAll(it -> hex(it.group().charAt(0))));
  }

  private static String hex(char c) {
    return String.format("\\\\x%02x", (int) c);
  }

  /** A text without control characters as one word of a shell. */
  private static String quote(String text) {
    return SAFE_WORD.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
