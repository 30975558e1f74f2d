package org.lsm.report;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.Fact;
import org.lsm.model.Plural;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketDetails;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/**
 * All about some sockets and processes.
 *
 * @param sockets the sockets, as if each were new
 * @param processes those that hold no watched socket
 */
public record ShowReport(DiffReport sockets, List<ProcessDetails> processes) {
  private static final int MAX_COMMANDS = 15; // for processes
  private static final int MAX_ADDRESSES = 5;
  private static final Set<String> OF_DIFFERENCES = Set.of("kind", "severity", "owners_before");
  private static final Pattern REMOTE =
      Pattern.compile("(?:^| to | from )\\[?(?:::ffff:)?([0-9a-f.:]+?)]?:\\d+(?:, [A-Z0-9-]+)?$");

  record ShowView(List<JsonObject> sockets, List<JsonObject> processes, List<String> notes) {}

  public String json() {
    var all = Json.details(sockets.diff().differences(), sockets, Integer.MAX_VALUE);
    all.forEach(it -> it.keySet().removeAll(OF_DIFFERENCES));
    List<JsonObject> others = processes.stream().map(Json::process).toList();
    JsonViews.HostView host = JsonViews.HostView.of(sockets.after().hostInfo());
    return Json.print(Json.merge(host, new ShowView(all, others, sockets.notes())));
  }

  public ReportDocument document() {
    List<Line> body = new ArrayList<>();
    for (DifferenceGroup group : DifferenceGroup.of(sockets)) {
      group.lines(true).forEach(it -> body.add(withoutType(it)));
    }
    processes.forEach(it -> body.addAll(ProcessLines.block(it, sockets)));
    addCommands(body);
    List<Line> notes = sockets.notes().stream().map(it -> Line.fact("Note", it)).toList();
    String count = Plural.count(sockets.diff().differences().size(), "socket");
    String words = processes.isEmpty() ? count : "a process without a watched socket";
    return ReportDocument.of(
        EscapedText.of(words), body, sockets.after().hostInfo(), sockets.zone().get(), notes);
  }

  /** The title of a socket names no difference. */
  private static Line withoutType(Line line) {
    return line.style() == Style.TITLE || line.style() == Style.HIGH_TITLE
        ? new Line(Style.TITLE, "SOCKET", line.text())
        : line;
  }

  private void addCommands(List<Line> lines) {
    Stream<ProcessRef> holding =
        sockets.diff().differences().stream().flatMap(it -> it.after().processes().stream());
    Stream<ProcessRef> others = processes.stream().map(ProcessDetails::process);
    List<String> commands = new ArrayList<>();
    var stoppable = Stream.concat(holding, others).filter(ShowReport::canBeStopped);
    for (int pid : stoppable.map(ProcessRef::pid).distinct().toList()) {
      commands.add(Advice.stop("" + pid));
      commands.add(Advice.copyProgram(pid));
      commands.add("ls -l /proc/" + pid + "/fd");
    }
    commands.subList(Math.min(MAX_COMMANDS, commands.size()), commands.size()).clear();
    for (String address : remoteAddresses()) {
      commands.add("whois " + address);
      commands.add("lsm sentry block " + address);
    }
    if (!commands.isEmpty()) {
      lines.add(Advice.heading("To go on:"));
      commands.forEach(it -> lines.add(Advice.command(it)));
      lines.add(Line.BLANK);
    }
  }

  /** Not PID 1, nor a thread of the kernel, which has no program. */
  private static boolean canBeStopped(ProcessRef process) {
    return process.pid() != 1 && process.owner().program().startsWith("/");
  }

  /** The other hosts that the sockets and processes are connected with. */
  private List<String> remoteAddresses() {
    List<SocketDetails> details =
        sockets.diff().differences().stream().map(sockets::details).toList();
    Stream<ProcessDetails> holding = details.stream().flatMap(it -> it.processes().stream());
    Stream<String> connections =
        Stream.concat(holding, processes.stream())
            .flatMap(it -> it.facts().of(Fact.CONNECTIONS).stream());
    return Stream.concat(details.stream().flatMap(it -> it.peers().stream()), connections)
        .map(REMOTE::matcher)
        .filter(Matcher::find)
        .map(it -> it.group(1))
        .filter(it -> !it.startsWith("127.") && !it.equals("::1"))
        .distinct()
        .limit(MAX_ADDRESSES)
        .toList();
  }
}
