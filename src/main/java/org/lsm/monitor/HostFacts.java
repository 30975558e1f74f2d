package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceType;
import org.lsm.model.Endpoint;
import org.lsm.model.Fact;
import org.lsm.model.Facts;
import org.lsm.model.Owner;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.proc.SocketScanner.Sources;
import org.lsm.report.DiffReport;
import org.lsm.sentry.PacketFilter;

/**
 * Adds facts that other programs of the host know. All programs together take at most 1.5 s; what
 * they did not answer in time is named.
 */
public final class HostFacts {
  private static final Duration TIMEOUT = Duration.ofMillis(1500);
  private static final int MAX_UNITS = 3;

  /** Opens the file once, so that all three programs read the same. */
  private static final String READ_FILE =
      "{ stat -L -c '%d %i %U:%G, mode %a, %s bytes, modified %y' /dev/stdin && sha256sum /dev/stdin"
          + " && md5sum /dev/stdin; } <\"$1\"";

  private static final Pattern FILE =
      Pattern.compile("(\\d+ \\d+) (.+)\n([0-9a-f]{64}) .*\n([0-9a-f]{32}) .*\n");
  private static final Pattern SESSION = Pattern.compile("session-(\\w+)\\.scope.*"); // outermost
  private static final Pattern HOST_PORT = Pattern.compile(" -host-port (\\d{1,5})( |$)");
  private static final Pattern CONTAINER = Pattern.compile("container ([0-9a-f]{12})");
  private static final List<String> CONTAINER_TOOLS = List.of("/usr/bin/docker", "/usr/bin/podman");

  /** Lists the services and sockets that systemd has loaded, with an empty line after each. */
  private static final String[] UNITS = {
    "/usr/bin/systemctl",
    "show",
    "--property=Id,ExecStart,Listen,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus"
        + ",StateChangeTimestamp",
    "*.service",
    "*.socket"
  };

  private final Sources sources;
  private final Path nft;
  private final ProgramFiles.Runner runner;
  private final Map<ProcessRef, ProcessDetails> known = new HashMap<>();
  private long left = TIMEOUT.toNanos();
  private PacketFilter filter; // null until it is asked for, as is the next
  private List<Map<String, String>> units;

  HostFacts(Sources sources, Path nft, ProgramFiles.Runner runner) {
    this.sources = sources;
    this.nft = nft;
    this.runner = runner;
  }

  /** Adds facts to the differences that a report names. */
  public DiffReport addTo(DiffReport report) {
    Map<Endpoint, SocketDetails> all = new HashMap<>(report.detailsByEndpoint());
    for (Difference it : DiffReport.named(report.diff())) {
      SocketDetails details = report.details(it);
      List<ProcessDetails> processes = details.processes().stream().map(this::addTo).toList();
      Facts facts =
          it.type() == DifferenceType.GONE
              ? withCauses(details.facts(), it.before())
              : withFilter(details.facts(), it.endpoint());
      all.put(it.endpoint(), details.with(processes, facts));
    }
    return report.withDetails(all);
  }

  /** Adds facts to a process: its file, its package, its session and its container. */
  public ProcessDetails addTo(ProcessDetails details) {
    return known.computeIfAbsent(details.process(), none -> details.with(facts(details)));
  }

  private Facts facts(ProcessDetails details) {
    Facts facts = withFile(details);
    if (SESSION.matcher(details.unit()).matches()) {
      facts = with(facts, Fact.SESSION, () -> session(details.unit()));
    } else if (!facts.of(Fact.TERMINAL).isEmpty()) {
      String terminal = facts.of(Fact.TERMINAL).get(0);
      facts = with(facts, Fact.SESSION, () -> sessionAt(terminal));
    }
    String container = containerFilter(details);
    return container.isEmpty() ? facts : with(facts, Fact.CONTAINER, () -> container(container));
  }

  /** Adds what is found out, or that there was no time for it. */
  private Facts with(Facts facts, Fact fact, Supplier<String> value) {
    String text = left > 0 ? value.get() : "";
    return text.isEmpty() && left <= 0
        ? facts.with(Fact.UNKNOWN, fact.label())
        : facts.with(fact, text);
  }

  private Facts withFile(ProcessDetails details) {
    Facts facts = details.facts();
    String exe = sources.proc().resolve(details.process().pid() + "/exe").toString();
    Matcher file = FILE.matcher("");
    try {
      file = FILE.matcher(run("/bin/sh", "-c", READ_FILE, "sh", exe));
    } catch (IOException e) {
      if (e.getMessage().contains("No such file") || e.getMessage().contains("name too long")) {
        return facts; // the process has ended, or is one of the kernel
      }
    }
    String numbers = details.process().file().numbers(); // its PID may belong to another one now
    if (!file.matches() || !numbers.startsWith(file.group(1) + " ")) {
      return facts.with(Fact.UNKNOWN, Fact.FILE.label()).with(Fact.UNKNOWN, Fact.PACKAGE.label());
    }
    String program = details.process().owner().program();
    String sha256 = file.group(3);
    String md5 = file.group(4);
    facts = facts.with(Fact.FILE, file.group(2).replaceFirst("\\.\\d{9}", ""));
    facts = facts.with(Fact.SHA256, sha256);
    return program.startsWith("/") && !program.startsWith("/memfd:")
        ? with(facts, Fact.PACKAGE, () -> packageOf(program, sha256, md5))
        : facts;
  }

  private String packageOf(String program, String sha256, String md5) {
    InstalledPackages packages =
        new InstalledPackages(command -> output(command.toArray(String[]::new)));
    String same = packages.packageOf(program, sha256, () -> md5);
    if (!same.isEmpty()) {
      return same + ", unmodified";
    }
    String owner = packages.ownerOf(program);
    if (left <= 0) {
      return "";
    }
    return owner.isEmpty()
        ? "none of dpkg or rpm has this file"
        : owner + ", but it did not install this content";
  }

  /** The login of a session of systemd-logind (loginctl(1)). */
  private String session(String unit) {
    Matcher id = SESSION.matcher(unit);
    if (!hasSystemd() || !id.matches()) {
      return "";
    }
    Map<String, String> session =
        properties(output("/usr/bin/loginctl", "show-session", id.group(1)));
    String host = session.getOrDefault("RemoteHost", "");
    return Stream.of(
            session.getOrDefault("Name", ""),
            session.getOrDefault("TTY", ""),
            session.getOrDefault("Service", ""),
            host.isEmpty() ? "" : "from " + host,
            session.getOrDefault("Timestamp", ""))
        .filter(it -> !it.isEmpty())
        .collect(Collectors.joining(", "));
  }

  /** The login at a terminal (who(1)), which the administrator's utmp(5) has. */
  private String sessionAt(String terminal) {
    return output("/usr/bin/who")
        .lines()
        .map(it -> it.strip().replaceAll("\\s+", " "))
        .filter(it -> it.contains(" " + terminal + " "))
        .findFirst()
        .orElse("");
  }

  /** What finds the container of a process, or that of which it publishes a port. */
  private static String containerFilter(ProcessDetails details) {
    Matcher port = HOST_PORT.matcher(details.commandLine());
    if (details.process().owner().program().endsWith("/docker-proxy") && port.find()) {
      return "publish=" + port.group(1);
    }
    Matcher id = CONTAINER.matcher(details.unit());
    return id.find() ? "id=" + id.group(1) : "";
  }

  private String container(String filter) {
    return CONTAINER_TOOLS.stream()
        .filter(it -> Files.isExecutable(Path.of(it)))
        .map(it -> output(it, "ps", "--filter", filter, "--format", "{{.Names}} ({{.Image}})"))
        .filter(it -> !it.isBlank())
        .findFirst()
        .orElse("")
        .strip();
  }

  /** Adds whether the packet filter drops what comes from elsewhere. */
  private Facts withFilter(Facts facts, Endpoint endpoint) {
    boolean hasPort = endpoint.protocol().label().matches("(tcp|udp)6?");
    if (endpoint.isLocal() || !endpoint.netns().isEmpty() || !hasPort) {
      return facts;
    }
    return with(
        facts,
        Fact.PACKET_FILTER,
        () -> {
          if (filter == null) {
            filter = PacketFilter.parse(output(nft.toString(), "-j", "-t", "list", "ruleset"));
          }
          return filter.seemsToDrop(endpoint) ? "the packet filter seems to drop it" : "";
        });
  }

  /** Adds the state of the units of systemd that have started the program, or listened there. */
  private Facts withCauses(Facts facts, SocketEntry was) {
    if (!hasSystemd() || left <= 0) {
      return hasSystemd() ? facts.with(Fact.UNKNOWN, Fact.CAUSE.label()) : facts;
    }
    if (units == null) {
      Stream<String> blocks = Stream.of(output(UNITS).split("\n\n", -1));
      units = blocks.map(HostFacts::properties).toList();
    }
    Stream<Map<String, String>> fitting = units.stream().filter(it -> isOf(it, was));
    return facts.with(Fact.CAUSE, fitting.limit(MAX_UNITS).map(HostFacts::state).toList());
  }

  private boolean hasSystemd() {
    return Files.isDirectory(sources.root().resolve("run/systemd/system"));
  }

  private static boolean isOf(Map<String, String> unit, SocketEntry was) {
    String listen = "\n" + unit.getOrDefault("Listen", "");
    if (listen.contains("\n" + was.endpoint().local() + " (")) {
      return true;
    }
    String start = unit.getOrDefault("ExecStart", "");
    for (Owner owner : was.owners()) {
      String program = owner.program().replaceFirst("^/usr", "");
      boolean isProgram =
          start.contains("path=" + program + " ;") || start.contains("path=/usr" + program + " ;");
      boolean isScript =
          owner.script().equals(Owner.UNKNOWN_SCRIPT) || start.contains(owner.script());
      if (program.startsWith("/") && isProgram && isScript) {
        return true;
      }
    }
    return false;
  }

  private static String state(Map<String, String> unit) {
    String result = unit.getOrDefault("Result", "success");
    String status = unit.getOrDefault("ExecMainStatus", "0");
    String how = switch (unit.getOrDefault("ExecMainCode", "0")) { // CLD_* of sigaction(2)
          case "1" -> status.equals("0") ? "" : ", exit status " + status;
          case "2", "3" -> ", killed by signal " + status;
          default -> "";
        };
    String since = unit.getOrDefault("StateChangeTimestamp", "");
    return String.format(
        "%s: %s (%s)%s%s",
        unit.get("Id"),
        unit.get("ActiveState"),
        result.equals("success") ? unit.get("SubState") : result,
        how,
        since.isEmpty() ? "" : ", since " + since);
  }

  /** Lines of KEY=VALUE; the values of a key that has several are one text. */
  private static Map<String, String> properties(String lines) {
    return lines
        .lines()
        .filter(it -> it.contains("="))
        .map(it -> it.split("=", 2))
        .collect(Collectors.toMap(it -> it[0], it -> it[1], (a, b) -> a + "\n" + b));
  }

  /** Returns the output of a program; empty if it is not installed, fails, or has no time. */
  private String output(String... command) {
    try {
      return run(command);
    } catch (IOException e) {
      return "";
    }
  }

  private String run(String... command) throws IOException {
    long start = System.nanoTime();
    try {
      if (left <= 0) {
        throw new IOException("there is no time left");
      }
      return runner.run(new ArrayList<>(List.of(command)), Duration.ofNanos(left));
    } finally {
      left -= System.nanoTime() - start;
    }
  }
}
