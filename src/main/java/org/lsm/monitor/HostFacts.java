package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.ErrorMessages;
import org.lsm.model.Fact;
import org.lsm.model.Facts;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.ProgramFile;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner.Sources;
import org.lsm.report.DiffReport;
import org.lsm.sentry.PacketFilter;

/**
 * Adds facts about the processes and sockets of a report, from /proc and from other programs of the
 * host. Each program takes at most two thirds of the time that is left; what they did not answer in
 * time is named.
 */
public final class HostFacts {
  /** For all facts of a run. */
  static final Duration TIMEOUT = Duration.ofSeconds(2);

  private static final int MAX_UNITS = 3;

  private static final long MAX_DIGESTED = 256L * 1024 * 1024; // bytes of a program

  /** Of stat(1). */
  private static final String FILE_FORMAT = "%d %i %s %U:%G, mode %a, %s bytes, modified %y";

  private static final Pattern FILE = Pattern.compile("(\\d+ \\d+ )(\\d+) (.+)\\.\\d{9}(.+)\n");

  /** Opens the file once, so that all three programs read the same. */
  private static final String READ_DIGESTS =
      "{ stat -L -c '%d %i ' /proc/self/fd/0"
          + " && sha256sum /proc/self/fd/0 && md5sum /proc/self/fd/0; } <\"$1\"";

  private static final Pattern DIGESTS =
      Pattern.compile("(\\d+ \\d+ )\n([0-9a-f]{64}) .*\n([0-9a-f]{32}) .*\n");
  private static final Pattern SESSION = Pattern.compile("session-(\\w+)\\.scope.*"); // outermost
  private static final Pattern HOST_PORT = Pattern.compile(" -host-port (\\d{1,5})( |$)");
  private static final Pattern CONTAINER = Pattern.compile("container ([0-9a-f]{12})");

  /** Lists the services and sockets that systemd has loaded, with an empty line after each. */
  private static final List<String> UNITS =
      List.of(
          "/usr/bin/systemctl",
          "show",
          "--all", // inactive ones, too
          "--property=Id,ExecStart,Listen,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus"
              + ",StateChangeTimestamp",
          "*.service",
          "*.socket");

  private final Sources sources;
  private final Path nft;
  private final ProgramFiles.Runner runner;
  private final Function<ProcessRef, Facts> proc;
  private final Map<ProcessRef, Facts> known = new HashMap<>();
  private final Map<List<String>, String> outputs = new HashMap<>(); // by command
  private long left; // nanoseconds

  /** There is no time left to ask a program. */
  private static final class OutOfTimeException extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Takes what reads the facts about a process under /proc, and the time for the programs. */
  HostFacts(
      Sources sources,
      Path nft,
      ProgramFiles.Runner runner,
      Function<ProcessRef, Facts> proc,
      Duration limit) {
    this.sources = sources;
    this.nft = nft;
    this.runner = runner;
    this.proc = proc;
    this.left = limit.toNanos();
  }

  /** Adds facts to the differences that a report names. */
  public DiffReport addTo(DiffReport report) {
    return addTo(report, List.of(), true);
  }

  /**
   * The same for what is alerted, which has the most time, and for the others if they are read. A
   * failure is a note: it must not prevent the alert.
   */
  DiffReport addTo(DiffReport report, List<Difference> alerted, boolean withOthers) {
    try {
      return report.withDetails(details(report, alerted, withOthers));
    } catch (RuntimeException e) {
      return withoutFacts(report, e);
    } catch (OutOfMemoryError e) {
      return withoutFacts(report, ErrorMessages.outOfMemory(e));
    }
  }

  private static DiffReport withoutFacts(DiffReport report, Exception failure) {
    String note = "facts about the processes are missing: " + ErrorMessages.explain(failure);
    return report.with(report.diff(), report.detailsByEndpoint(), List.of(note));
  }

  private Map<Endpoint, SocketDetails> details(
      DiffReport report, List<Difference> alerted, boolean withOthers) {
    Diff others = withOthers ? report.diff() : new Diff(List.of());
    Stream<Difference> named =
        Stream.of(new Diff(alerted), others).flatMap(it -> DiffReport.named(it).stream());
    Map<Endpoint, SocketDetails> all = new HashMap<>(report.detailsByEndpoint());
    for (Difference it : named.distinct().toList()) {
      SocketDetails details = report.details(it);
      boolean isGone = it.type() == DifferenceType.GONE;
      Facts facts =
          isGone
              ? with(details.facts(), Fact.CAUSE, () -> cause(it.before()))
              : with(details.facts(), Fact.PACKET_FILTER, () -> filter(it.endpoint()));
      all.put(
          it.endpoint(),
          details.with(details.processes().stream().map(this::addTo).toList(), facts));
    }
    return all;
  }

  /** Adds facts to a process, which may hold several sockets. */
  public ProcessDetails addTo(ProcessDetails details) {
    return details.with(known.computeIfAbsent(details.process(), it -> facts(details)));
  }

  /** What /proc says of a process, its session, its container, its file and its package. */
  private Facts facts(ProcessDetails details) {
    Facts facts = proc.apply(details.process());
    List<String> terminal = facts.of(Fact.TERMINAL);
    facts = with(facts, Fact.SESSION, () -> session(details, terminal));
    facts = with(facts, Fact.CONTAINER, () -> container(details));
    return withFile(facts, details.process());
  }

  /** Adds what is found out, or that there was no time for it. */
  private static Facts with(Facts facts, Fact fact, Supplier<String> value) {
    try {
      return facts.with(fact, value.get());
    } catch (OutOfTimeException e) {
      return facts.with(Fact.UNKNOWN, fact.label());
    }
  }

  private Facts withFile(Facts facts, ProcessRef process) {
    String exe = sources.proc().resolve(process.pid() + "/exe").toString();
    Matcher file = FILE.matcher("");
    try {
      Files.readSymbolicLink(Path.of(exe));
      if (!process.file().equals(ProgramFile.UNKNOWN)) { // else its file system may hang
        file.reset(output("/usr/bin/stat", "-L", "-c", FILE_FORMAT, exe));
      }
    } catch (NoSuchFileException e) {
      return facts; // the process has ended, or is one of the kernel
    } catch (IOException | OutOfTimeException e) {
      // it is hidden from this user, or there was no time
    }
    if (!isOf(process, file)) {
      return withUnknown(facts, Fact.FILE, Fact.PACKAGE);
    }
    Facts more = facts.with(Fact.FILE, file.group(3) + file.group(4));
    boolean isRead = Long.parseLong(file.group(2)) <= MAX_DIGESTED;
    return isRead ? withDigests(more, process, exe) : withUnknown(more, Fact.SHA256, Fact.PACKAGE);
  }

  private Facts withDigests(Facts facts, ProcessRef process, String exe) {
    Matcher digests = DIGESTS.matcher("");
    try {
      digests.reset(output("/bin/sh", "-c", READ_DIGESTS, "sh", exe));
    } catch (OutOfTimeException e) {
      // then none of the digests is known
    }
    if (!isOf(process, digests)) {
      return withUnknown(facts, Fact.SHA256, Fact.PACKAGE);
    }
    String program = process.owner().program();
    Facts more = facts.with(Fact.SHA256, digests.group(2));
    return program.startsWith("/") && !program.startsWith("/memfd:")
        ? with(more, Fact.PACKAGE, () -> packageOf(program, digests.group(2), digests.group(3)))
        : more;
  }

  /** Whether the device and inode that were read are those of the process: a PID is used again. */
  private static boolean isOf(ProcessRef process, Matcher read) {
    return read.matches() && process.file().numbers().startsWith(read.group(1));
  }

  private static Facts withUnknown(Facts facts, Fact first, Fact second) {
    return facts.with(Fact.UNKNOWN, first.label()).with(Fact.UNKNOWN, second.label());
  }

  private String packageOf(String program, String sha256, String md5) {
    InstalledPackages packages = new InstalledPackages(this::output);
    String same = packages.packageOf(program, sha256, () -> md5);
    if (!same.isEmpty()) {
      return same + ", unmodified";
    }
    String owner = packages.ownerOf(program);
    return owner.isEmpty()
        ? "none of dpkg or rpm has this file"
        : owner + ", but it did not install this content";
  }

  /** The login session as loginctl(1) has it, or the one at the terminal as utmp(5) does. */
  private String session(ProcessDetails details, List<String> terminal) {
    Matcher session = SESSION.matcher(details.unit());
    if (hasSystemd() && session.matches()) {
      String properties = "--property=Name,Timestamp,TTY,RemoteHost,Service";
      String id = session.group(1);
      return output("/usr/bin/loginctl", "show-session", "--value", properties, id)
          .lines()
          .filter(it -> !it.isEmpty())
          .collect(Collectors.joining(", "));
    }
    Stream<String> logins = terminal.isEmpty() ? Stream.empty() : output("/usr/bin/who").lines();
    return logins
        .map(it -> it.replaceAll("\\s+", " "))
        .filter(it -> it.contains(" " + terminal.get(0) + " "))
        .findFirst()
        .orElse("");
  }

  /** The name of the container of a process, or of the one of which it publishes a port. */
  private String container(ProcessDetails details) {
    boolean isProxy = details.process().owner().program().endsWith("/docker-proxy");
    Matcher found =
        isProxy ? HOST_PORT.matcher(details.commandLine()) : CONTAINER.matcher(details.unit());
    if (!found.find()) {
      return "";
    }
    String filter = (isProxy ? "publish=" : "id=") + found.group(1);
    String format = "{{.Names}} ({{.Image}})";
    return output("/usr/bin/docker", "ps", "--filter", filter, "--format", format).strip();
  }

  /** Whether the packet filter drops what comes from elsewhere. */
  private String filter(Endpoint endpoint) {
    boolean hasPort = endpoint.protocol().label().matches("(tcp|udp)6?");
    boolean isAsked = hasPort && !endpoint.isLocal() && endpoint.netns().isEmpty();
    String rules = isAsked ? output(nft.toString(), "-t", "list", "ruleset") : "";
    long start = System.nanoTime();
    boolean drops = new PacketFilter(rules).seemsToDrop(endpoint);
    left -= System.nanoTime() - start;
    return drops ? "the packet filter seems to drop it" : "";
  }

  /** The state of the units of systemd that have started the program, or listened there. */
  private String cause(SocketEntry was) {
    String units = hasSystemd() ? output(UNITS) : "";
    return Stream.of(units.split("\n\n", -1))
        .filter(it -> isOf(it, was))
        .limit(MAX_UNITS)
        .map(HostFacts::state)
        .collect(Collectors.joining("; "));
  }

  private boolean hasSystemd() {
    return Files.isDirectory(sources.root().resolve("run/systemd/system"));
  }

  private static boolean isOf(String unit, SocketEntry was) {
    if (("\n" + unit).contains("\nListen=" + was.endpoint().local() + " (")) {
      return true;
    }
    for (Owner owner : was.owners()) {
      String program = owner.program().replaceFirst("^/usr/", "/");
      boolean isProgram =
          unit.contains("path=" + program + " ;") || unit.contains("path=/usr" + program + " ;");
      if (program.startsWith("/")
          && isProgram
          && (owner.script().equals(Owner.UNKNOWN_SCRIPT) || unit.contains(owner.script()))) {
        return true;
      }
    }
    return false;
  }

  private static String state(String unit) {
    Map<String, String> properties =
        unit.lines()
            .map(it -> it.split("=", 2))
            .collect(Collectors.toMap(it -> it[0], it -> it[it.length - 1], (a, b) -> a));
    String result = properties.getOrDefault("Result", "success");
    String status = properties.getOrDefault("ExecMainStatus", "0");
    String how = switch (properties.getOrDefault("ExecMainCode", "0")) { // CLD_* of sigaction(2)
          case "1" -> status.equals("0") ? "" : ", exit status " + status;
          case "2", "3" -> ", killed by signal " + status;
          default -> "";
        };
    String since = properties.getOrDefault("StateChangeTimestamp", "");
    return String.format(
        "%s: %s (%s)%s%s",
        properties.get("Id"),
        properties.get("ActiveState"),
        result.equals("success") ? properties.get("SubState") : result,
        how,
        since.isEmpty() ? "" : ", since " + since);
  }

  private String output(String... command) {
    return output(List.of(command));
  }

  /** Returns the output of a program; empty if it is not installed or fails. */
  private String output(List<String> command) {
    if (left <= 0) {
      throw new OutOfTimeException();
    }
    if (outputs.containsKey(command)) {
      return outputs.get(command);
    }
    long start = System.nanoTime();
    long limit = left * 2 / 3;
    String output = "";
    try {
      output = runner.run(command, Duration.ofNanos(limit));
    } catch (IOException e) {
      // there is no such program, or it knows nothing
    }
    long time = System.nanoTime() - start;
    left -= time;
    if (time >= limit) {
      throw new OutOfTimeException();
    }
    outputs.put(command, output);
    return output;
  }
}
