package org.lsm.channel;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What mail needs of the host.
 *
 * @param authorities PEM bundles of certificate authorities; the first readable one is used
 * @param mailname the file with the name of this host in mail, mailname(5) of Debian
 * @param resolver the canonical name of a host name; may return anything where there is none
 * @param timeout for the delivery of a mail as a whole; for each reply up to the login, half of it
 */
public record MailSystem(
    Path sendmail,
    List<Path> authorities,
    Path mailname,
    UnaryOperator<String> resolver,
    Duration timeout) {
  private static final Duration RESOLVER_TIMEOUT = Duration.ofSeconds(10);

  /** At least two labels, neither an IP address nor a name of the loopback. */
  private static final Pattern FULLY_QUALIFIED =
      Pattern.compile("(?!localhost\\.)([A-Za-z0-9_-]+\\.)+[A-Za-z][A-Za-z0-9-]*");

  /** The mail system of this host; RFC 5321, 4.5.3.2 asks for so much patience. */
  public static MailSystem real(List<Path> authorities) {
    return new MailSystem(
        Path.of("/usr/sbin/sendmail"),
        authorities,
        Path.of("/etc/mailname"),
        MailSystem::canonicalName,
        Duration.ofMinutes(10));
  }

  /** The same with a time-out of at most so much. */
  public MailSystem within(Duration limit) {
    Duration shorter = timeout.compareTo(limit) < 0 ? timeout : limit;
    return new MailSystem(sendmail, authorities, mailname, resolver, shorter);
  }

  /** The fully qualified name of this host, which has this name; empty if it has none. */
  Optional<String> fullyQualified(String host) {
    return Stream.<Supplier<String>>of(() -> host, () -> resolve(host), this::readMailname)
        .map(Supplier::get)
        .filter(FULLY_QUALIFIED.asMatchPredicate())
        .findFirst();
  }

  /**
   * The name of this host that no other one has: the fully qualified one if it begins with {@code
   * host}, as a mail name or the name of an address may stand for several hosts; else {@code host}.
   */
  public String instance(String host) {
    String name = host.indexOf('.') < 0 ? resolve(host) : host;
    boolean isOfHost = name.regionMatches(true, 0, host + ".", 0, host.length() + 1);
    return isOfHost && FULLY_QUALIFIED.matcher(name).matches() ? name : host;
  }

  private String resolve(String host) {
    try {
      return CompletableFuture.supplyAsync(() -> resolver.apply(host), ExternalCommand::startDaemon)
          .completeOnTimeout("", RESOLVER_TIMEOUT.toSeconds(), TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      return ""; // the next source may know it
    }
  }

  private String readMailname() {
    try {
      return Files.readString(mailname, StandardCharsets.ISO_8859_1).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private static String canonicalName(String host) {
    try {
      return InetAddress.getByName(host).getCanonicalHostName();
    } catch (UnknownHostException e) {
      return "";
    }
  }
}
