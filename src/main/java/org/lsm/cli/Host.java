package org.lsm.cli;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Map;

/**
 * What the commands get from the machine; tests hand over another one.
 *
 * @param proc the mount point of /proc
 * @param passwd the file with the names of users
 * @param sendmail the program that takes mail
 * @param mailTimeout how long to wait for each answer of a mail server
 * @param clock the time, and the zone to tell times in
 * @param environment the environment variables
 */
public record Host(
    Path proc,
    Path passwd,
    Path sendmail,
    Duration mailTimeout,
    Clock clock,
    Map<String, String> environment) {

  /** The machine that lsm runs on. */
  public static Host real() {
    return new Host(
        Path.of("/proc"),
        Path.of("/etc/passwd"),
        Path.of("/usr/sbin/sendmail"),
        Duration.ofSeconds(30),
        Clock.system(ZoneId.systemDefault()),
        System.getenv());
  }
}
