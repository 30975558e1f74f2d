package org.lsm.cli;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Map;
import org.lsm.proc.HostScanner.Sources;

/**
 * What the commands get from the machine; tests hand over another one.
 *
 * @param sources where the host is described
 * @param sendmail the program that takes mail
 * @param mailTimeout how long to wait for each answer of a mail server
 * @param clock the time, and the zone to tell times in
 * @param environment the environment variables
 */
public record Host(
    Sources sources,
    Path sendmail,
    Duration mailTimeout,
    Clock clock,
    Map<String, String> environment) {

  /** The machine that lsm runs on. */
  public static Host real() {
    return new Host(
        new Sources(
            Path.of("/proc"),
            Path.of("/etc/passwd"),
            Path.of("/etc/services"),
            Path.of("/run/netns")),
        Path.of("/usr/sbin/sendmail"),
        Duration.ofSeconds(30),
        Clock.system(ZoneId.systemDefault()),
        System.getenv());
  }
}
