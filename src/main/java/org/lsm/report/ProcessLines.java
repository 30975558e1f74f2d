package org.lsm.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.lsm.model.Facts;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** The lines of a report about processes, and the facts about these and about sockets. */
final class ProcessLines {
  private static final int MAX_COMMANDS = 5; // of an owner

  private ProcessLines() {}

  /** A block for a process without a socket. */
  static List<Line> block(ProcessDetails process, DiffReport report) {
    Owner owner = process.process().owner();
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.TITLE, "PROCESS", process.process().pid()));
    for (Flag flag : process.flags()) {
      lines.add(Line.of(Style.FLAG, "!", flag.words()));
    }
    lines.add(Line.of(Style.CODE, "program", OwnerText.program(owner)));
    add(lines, Style.DETAIL, "user", report.users().withName(owner.user()));
    add(lines, Style.DETAIL, "started", report.timeWithAge(process.process().startTime()));
    addDetails(lines, List.of(process), report, Set.of());
    lines.add(Line.BLANK);
    return lines;
  }

  /** Adds the users and units that connect, and the processes whose connections are still there. */
  static void addOutbound(
      List<Line> lines, Set<Owner> owners, List<ProcessDetails> processes, DiffReport report) {
    for (Owner owner : owners.stream().limit(DifferenceGroup.MAX_OWNERS).toList()) {
      add(lines, Style.DETAIL, "user", report.users().withName(owner.user()));
      add(lines, Style.CODE, "unit", processes.isEmpty() ? owner.program() : "");
    }
    if (processes.isEmpty()) {
      add(lines, Style.DETAIL, "program", "unknown: no such TCP connection is left");
    }
    for (ProcessDetails it : processes.stream().limit(DifferenceGroup.MAX_OWNERS).toList()) {
      lines.add(Line.of(Style.CODE, "program", OwnerText.program(it.process().owner())));
      lines.add(Line.of(Style.DETAIL, "PID", it.process().pid()));
      add(lines, Style.DETAIL, "started", report.timeWithAge(it.process().startTime()));
      addDetails(lines, List.of(it), report, Set.of());
    }
  }

  /** Adds the details of the processes of one owner: the commands of all, the rest of the first. */
  static void addDetails(
      List<Line> lines, List<ProcessDetails> processes, DiffReport report, Set<String> named) {
    var commands = processes.stream().map(ProcessDetails::commandLine).distinct();
    addAll(lines, Style.CODE, "command", commands.limit(MAX_COMMANDS).toList());
    for (ProcessDetails process : processes.subList(0, Math.min(1, processes.size()))) {
      add(lines, Style.CODE, "directory", process.workingDirectory());
      add(lines, Style.CODE, "unit", process.unit());
      String label = "parents";
      for (ProcessRef it : process.parents()) {
        EscapedText name = OwnerText.name(it.owner(), report.users());
        lines.add(Line.of(Style.CODE, label, name, ", PID ", it.pid()));
        label = "";
      }
      addFacts(lines, process.facts(), named);
    }
  }

  /** Adds a line for each value, or one for all of a fact; not sockets that are named anyway. */
  static void addFacts(List<Line> lines, Facts facts, Set<String> named) {
    facts
        .values()
        .forEach(
            (fact, values) -> {
              List<String> others = values.stream().filter(it -> !named.contains(it)).toList();
              List<String> texts = fact.hasLines() ? others : List.of(String.join(", ", others));
              addAll(lines, Style.CODE, fact.label(), texts);
            });
  }

  /** Adds a line for each text, the first with the label. */
  static void addAll(List<Line> lines, Style style, String label, List<String> texts) {
    String next = label;
    for (String it : texts) {
      add(lines, style, next, it);
      next = "";
    }
  }

  /** Adds a line unless its text is empty. */
  static void add(List<Line> lines, Style style, String label, String text) {
    if (!text.isEmpty()) {
      lines.add(Line.of(style, label, text));
    }
  }
}
