package org.lsm.monitor;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.lsm.proc.SocketScanner.Sources;

/**
 * What the commands get from the machine; tests hand over another one.
 *
 * @param sources where the host is described
 * @param sendmail the program that takes mail
 * @param authorities bundles of the certificate authorities that the host trusts, in PEM
 * @param logger logger(1) of util-linux
 * @param nft where nft(8) may be
 * @param resolvers files that name the servers which resolve names (resolv.conf(5))
 * @param crontabs files and directories in which cron finds its entries
 * @param mailTimeout how long to wait for each answer of a mail server
 * @param clock the time
 * @param zone the time zone to tell times in
 * @param environment the environment variables
 */
public record SystemEnvironment(
    Sources sources,
    Path sendmail,
    List<Path> authorities,
    Path logger,
    List<Path> nft,
    List<Path> resolvers,
    List<Path> crontabs,
    Duration mailTimeout,
    Clock clock,
    Supplier<ZoneId> zone,
    Map<String, String> environment) {

  /** The machine that lsm runs on. */
  public static SystemEnvironment real() {
    return new SystemEnvironment(
        new Sources(
            Path.of("/proc"),
            Path.of("/etc/passwd"),
            Path.of("/etc/services"),
            Path.of("/run/netns")),
        Path.of("/usr/sbin/sendmail"),
        List.of(
            Path.of("/etc/ssl/certs/ca-certificates.crt"), // Debian, Alpine, Arch
            Path.of("/etc/pki/tls/certs/ca-bundle.crt"), // Fedora, Red Hat
            Path.of("/etc/ssl/ca-bundle.pem"), // SUSE
            Path.of("/etc/ssl/cert.pem")),
        Path.of("/usr/bin/logger"),
        List.of(Path.of("/usr/sbin/nft"), Path.of("/sbin/nft"), Path.of("/usr/bin/nft")),
        List.of(Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf")),
        List.of(
            Path.of("/etc/cron.d"),
            Path.of("/etc/crontab"),
            Path.of("/var/spool/cron/crontabs/root"),
            Path.of("/var/spool/cron/root"),
            Path.of("/etc/crontabs/root")),
        Duration.ofSeconds(30),
        Clock.systemUTC(),
        ZoneId::systemDefault,
        System.getenv());
  }
}
