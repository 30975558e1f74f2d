package org.lsm.monitor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.lsm.channel.MailSystem;
import org.lsm.proc.SocketScanner.Sources;

/**
 * The paths, programs and clock of the host that lsm runs on. Tests pass others.
 *
 * @param loginDefs login.defs(5)
 * @param getent candidates for getent(1)
 * @param nft candidates for nft(8)
 * @param ss candidates for ss(8)
 * @param resolvers files that name the DNS servers, resolv.conf(5)
 * @param crontabs files and directories with entries of cron(8)
 * @param timers the links that enable lsm.timer, in directories of units, systemd.unit(5)
 * @param cronGenerator of systemd-cron, which makes systemd a cron daemon
 * @param launcher the program lsm, if it was started by it; it delivers alerts in the background
 * @param scanTimeout how long the scans of a run may take, in all
 * @param factsTimeout how long a run may look for facts about processes, in all
 * @param zone the time zone of what people read; asked late, since finding it takes a while
 */
public record SystemEnvironment(
    Sources sources,
    Path loginDefs,
    MailSystem mail,
    Path logger,
    List<Path> getent,
    List<Path> nft,
    List<Path> ss,
    List<Path> resolvers,
    List<Path> crontabs,
    List<Path> timers,
    Path cronGenerator,
    Optional<Path> launcher,
    Clock clock,
    Duration scanTimeout,
    Duration factsTimeout,
    Supplier<ZoneId> zone,
    Map<String, String> variables) {

  public static final Path PROC = Path.of("/proc");
  public static final Path PASSWD = Path.of("/etc/passwd");

  /** The first of these programs that is there, else the first. */
  static Path installed(List<Path> candidates) {
    return candidates.stream().filter(Files::isExecutable).findFirst().orElse(candidates.get(0));
  }

  /** The host of this process. */
  public static SystemEnvironment real() {
    return new SystemEnvironment(
        new Sources(PROC, PASSWD, Path.of("/etc/services"), Path.of("/run/netns"), Path.of("/")),
        Path.of("/etc/login.defs"),
        MailSystem.real(
            List.of(
                Path.of("/etc/ssl/certs/ca-certificates.crt"), // Debian, Alpine, Arch
                Path.of("/etc/pki/tls/certs/ca-bundle.crt"), // Fedora, Red Hat
                Path.of("/etc/ssl/ca-bundle.pem"), // SUSE
                Path.of("/etc/ssl/cert.pem"))),
        Path.of("/usr/bin/logger"),
        List.of(Path.of("/usr/bin/getent"), Path.of("/bin/getent")),
        List.of(Path.of("/usr/sbin/nft"), Path.of("/sbin/nft"), Path.of("/usr/bin/nft")),
        List.of(
            Path.of("/usr/bin/ss"),
            Path.of("/bin/ss"),
            Path.of("/usr/sbin/ss"),
            Path.of("/sbin/ss")),
        List.of(Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf")),
        List.of(
            Path.of("/etc/cron.d"),
            Path.of("/etc/crontab"),
            Path.of("/var/spool/cron/crontabs/root"),
            Path.of("/var/spool/cron/root"),
            Path.of("/etc/crontabs/root")),
        List.of(
            Path.of("/etc/systemd/system/timers.target.wants/lsm.timer"),
            Path.of("/run/systemd/system/timers.target.wants/lsm.timer"),
            Path.of("/usr/local/lib/systemd/system/timers.target.wants/lsm.timer"),
            Path.of("/usr/lib/systemd/system/timers.target.wants/lsm.timer")),
        Path.of("/usr/lib/systemd/system-generators/systemd-crontab-generator"),
        Optional.ofNullable(System.getProperty("lsm.launcher")).map(Path::of),
        Clock.systemUTC(),
        RepeatedScan.TIMEOUT,
        HostFacts.TIMEOUT,
        ZoneId::systemDefault,
        System.getenv());
  }
}
