package org.lsm.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketEntry;
import org.lsm.storage.SecureFiles;

/**
 * The rules of ignore.lsm: sockets that lsm does not report. A line has a protocol, an address and
 * port or a path, and conditions.
 *
 * <pre>
 * udp   *:*                     program=/usr/sbin/chronyd
 * tcp   127.0.0.0/8:1024-65535  user=jenkins
 * unix  /run/user/*&#47;**
 * </pre>
 */
public final class IgnoreRules {

  /**
   * One rule.
   *
   * @param line its line number in the file, from 1
   * @param text the line without its comment
   * @param matches whether it covers a socket
   */
  public record Rule(int line, String text, Predicate<SocketEntry> matches) {}

  private static final Pattern IP = Pattern.compile("[0-9.]+|[0-9a-fA-F.]*:[0-9a-fA-F:.]*");

  private final List<Rule> rules;

  private IgnoreRules(List<Rule> rules) {
    this.rules = rules;
  }

  /** Reads the rules of a file; a missing file has none. */
  public static IgnoreRules read(Path file) throws IOException, ConfigException {
    return Files.exists(file) ? parse(file, Config.decode(file, SecureFiles.read(file))) : none();
  }

  static IgnoreRules parse(Path file, String text) throws ConfigException {
    List<Rule> rules = new ArrayList<>();
    Config.parseLines(
        file,
        text,
        (number, line) -> {
          String rule = line.replaceFirst("(?s)(^|\\s)#.*", "").strip();
          if (!rule.isEmpty()) {
            rules.add(new Rule(number, rule, rule(rule.split("\\s+", -1))));
          }
        });
    return new IgnoreRules(rules);
  }

  public static IgnoreRules none() {
    return new IgnoreRules(List.of());
  }

  /** Whether a rule covers this socket. */
  public boolean ignores(SocketEntry entry) {
    return covering(entry).isPresent();
  }

  /** The first rule that covers this socket. */
  public Optional<Rule> covering(SocketEntry entry) {
    return rules.stream().filter(rule -> rule.matches().test(entry)).findFirst();
  }

  public List<Rule> rules() {
    return List.copyOf(rules);
  }

  private static Predicate<SocketEntry> rule(String[] tokens) {
    if (tokens.length < 2) {
      throw new IllegalArgumentException(
          "'" + tokens[0] + "' needs an address and port, or a path, behind it; * matches any");
    }
    Predicate<SocketEntry> all = protocol(tokens[0]).and(local(tokens[0], tokens[1]));
    for (int i = 2; i < tokens.length; i++) {
      all = all.and(condition(tokens[i]));
    }
    return all;
  }

  /** A protocol includes its IPv6 twin: {@code tcp} covers tcp6 as well. */
  private static Predicate<SocketEntry> protocol(String token) {
    if (!token.equals("*") && Protocol.of(token).isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              "unknown protocol '%s'; the first word is one of %s, *", token, Protocol.labels()));
    }
    return entry -> {
      String label = entry.endpoint().protocol().label();
      return token.equals("*") || label.equals(token) || label.equals(token + "6");
    };
  }

  private static Predicate<SocketEntry> local(String protocol, String token) {
    if (token.equals("*")) {
      return entry -> true;
    }
    if (protocol.equals("unix") || token.startsWith("/") || token.startsWith("@")) {
      Glob path = new Glob(token);
      return on(it -> it.protocol().family() == Family.UNIX && path.matches(it.address()));
    }
    int colon = token.lastIndexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException(
          "'" + token + "' has no port; write ADDRESS:PORT, where * matches any");
    }
    // Packet sockets are bound to an interface instead of an address.
    boolean interfaces = protocol.equals("*") || protocol.equals(Protocol.PACKET.label());
    return on(it -> it.protocol().family() != Family.UNIX)
        .and(on(address(token.substring(0, colon), interfaces)))
        .and(on(port(token.substring(colon + 1))));
  }

  private static Predicate<SocketEntry> on(Predicate<Endpoint> condition) {
    return entry -> condition.test(entry.endpoint());
  }

  /**
   * A condition on addresses: {@code *}, an address or CIDR block, IPv6 with or without brackets,
   * or a glob for the names of interfaces.
   *
   * @param interfaces whether a name of an interface is allowed
   * @throws IllegalArgumentException if it is none of these
   */
  static Predicate<Endpoint> address(String token, boolean interfaces) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    String text = token.replaceFirst("^\\[(.*)\\](/\\d+)?$", "$1$2");
    if (IP.matcher(text.replaceFirst("/.*", "")).matches()) {
      CidrBlock block = CidrBlock.parse(text);
      return it -> it.protocol().family() != Family.PACKET && block.contains(it.address());
    }
    if (!interfaces) {
      throw new IllegalArgumentException(
          "'" + token + "' is not an IP address; write an address, a block like 10.0.0.0/8, or *");
    }
    Glob glob = new Glob(token);
    return endpoint -> glob.matches(endpoint.address());
  }

  /** A condition on ports: {@code *}, a port, or a range. */
  private static Predicate<Endpoint> port(String token) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    if (!token.matches("\\d{1,5}(-\\d{1,5})?|0x[0-9a-fA-F]{1,4}")) {
      throw new IllegalArgumentException(
          "'" + token + "' is not a port; write a number, a range like 1024-65535, or *");
    }
    String[] ends = token.split("-", -1);
    int first = Integer.decode(ends[0].replaceFirst("^0+(?=\\d)", ""));
    int last = Integer.decode(ends[ends.length - 1].replaceFirst("^0+(?=\\d)", ""));
    if (first > last || last > 0xFFFF) {
      throw new IllegalArgumentException("'" + token + "' is not a range of ports from 0 to 65535");
    }
    return endpoint -> first <= endpoint.port() && endpoint.port() <= last;
  }

  private static Predicate<SocketEntry> condition(String token) {
    int equals = token.indexOf('=');
    // netns= without a value is the namespace of the host.
    if (equals == token.length() - 1 && !token.equals("netns=")) {
      throw new IllegalArgumentException("'" + token + "' has no value");
    }
    Glob value = new Glob(token.substring(equals + 1));
    return switch (token.substring(0, Math.max(equals, 0))) {
      case "program" -> entry -> allOwners(entry, owner -> value.matches(owner.program()));
      case "user" -> entry -> allOwners(entry, owner -> value.matches(owner.user()));
      case "netns" -> entry -> value.matches(entry.endpoint().netns());
      default ->
          throw new IllegalArgumentException(
              "'" + token + "' is not a condition; valid ones are program=, user= and netns=");
    };
  }

  /** All owners must match, so that a rule does not cover a socket that a stranger shares. */
  private static boolean allOwners(SocketEntry entry, Predicate<Owner> condition) {
    return !entry.owners().isEmpty()
        && !entry.ownerUnknown()
        && entry.owners().stream().allMatch(condition);
  }
}
