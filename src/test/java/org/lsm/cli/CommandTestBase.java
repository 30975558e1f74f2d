package org.lsm.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.FakeProc;
import org.lsm.Lsm;
import org.lsm.channel.MailSystem;
import org.lsm.monitor.RepeatedScan;
import org.lsm.monitor.SystemEnvironment;

/** Runs lsm as a whole on a fake host: sshd on port 22 and a DNS server on UDP. */
public abstract class CommandTestBase {

  /** What one run did. */
  public record Result(int exitCode, String out, String err) {}

  @TempDir protected Path directory;

  protected FakeProc proc;
  protected Path config;
  protected Path state;
  protected Path baseline;
  protected Instant now = Instant.parse("2026-01-02T03:04:05Z");

  /** How long a mail may take. */
  protected Duration mailTimeout = Duration.ofSeconds(20);

  /** What the resolver of the host says about its name; empty: the same name. */
  protected Optional<String> canonicalName = Optional.empty();

  /** How long the scans of a run may take. */
  protected Duration scanTimeout = RepeatedScan.TIMEOUT;

  /** What delivers alerts in the background. */
  protected Optional<Path> launcher = Optional.empty();

  protected final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void makeHost() throws IOException {
    state = directory.resolve("state");
    baseline = state.resolve("baseline");
    Files.writeString(
        directory.resolve("passwd"),
        "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n");
    config = directory.resolve("conf.lsm");
    configure("MAILER=\"none\"", "SYSLOG=\"no\"");
    proc =
        FakeProc.bare(directory.resolve("proc"))
            .tcp("0.0.0.0", 22, 101)
            .udp("127.0.0.53", 53, 102)
            .process(700, 0, "/usr/sbin/sshd", 10, 101)
            .process(701, 101, "/usr/lib/systemd/systemd-resolved", 11, 102);
  }

  /** Writes the configuration: these lines, and the state directory; SYSLOG="no" by default. */
  protected void configure(String... lines) throws IOException {
    List<String> all = new ArrayList<>(List.of(lines));
    if (all.stream().noneMatch(line -> line.startsWith("SYSLOG="))) {
      all.add("SYSLOG=\"no\"");
    }
    all.add("STATE_DIR=\"" + state + "\"");
    Files.write(config, all);
  }

  /** Writes the ignore rules. */
  protected void ignore(String... lines) throws IOException {
    Files.write(directory.resolve("ignore.lsm"), List.of(lines));
  }

  /** Runs lsm with the configuration of this host. */
  protected Result lsm(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add("--config");
    all.add(config.toString());
    return run(all.toArray(String[]::new));
  }

  /** Runs lsm with these arguments and no others. */
  protected Result run(String... arguments) {
    SystemEnvironment host =
        new SystemEnvironment(
            proc.sources(),
            directory.resolve("login.defs"),
            new MailSystem(
                directory.resolve("sendmail"),
                List.of(),
                directory.resolve("mailname"),
                name -> canonicalName.orElse(name),
                mailTimeout),
            directory.resolve("logger"),
            List.of(directory.resolve("getent")),
            List.of(directory.resolve("nft")),
            List.of(directory.resolve("ss")),
            List.of(directory.resolve("resolv.conf")),
            List.of(directory.resolve("cron.d"), directory.resolve("crontab")),
            List.of(
                directory.resolve("systemd/timers.target.wants/lsm.timer"),
                directory.resolve("lib/timers.target.wants/lsm.timer")),
            directory.resolve("systemd-crontab-generator"),
            launcher,
            clock(),
            scanTimeout,
            Duration.ofMinutes(5), // on a loaded machine, too
            () -> ZoneOffset.UTC,
            environment);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode = Lsm.run(host, new PrintWriter(out), new PrintWriter(err), arguments);
    return new Result(exitCode, out.toString(), err.toString());
  }

  /** The clock of the next run. */
  protected Clock clock() {
    return Clock.fixed(now, ZoneOffset.UTC);
  }

  /** A run that ended with 2, printed nothing, and said this. */
  protected static Result error(String message) {
    return new Result(2, "", "lsm: " + message + "\n");
  }

  protected static Result done(String out) {
    return new Result(0, out, "");
  }
}
