package org.lsm.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketEntry;
import org.lsm.storage.SecureFiles;

/**
 * The rules of ignore.lsm: which sockets are nobody's business. One a line: protocol, address and
 * port or path, conditions.
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
   * @param line where it stands in the file, from 1
   * @param text the line, without its comment
   * @param matches whether it covers a socket
   */
  public record Rule(int line, String text, Predicate<SocketEntry> matches) {}

  private final List<Rule> rules;

  private IgnoreRules(List<Rule> rules) {
    this.rules = rules;
  }

  /** Reads the rules; a file that is absent has none. */
  public static IgnoreRules read(Path file) throws IOException, ConfigException {
    return Files.exists(file) ? parse(file, Config.decode(file, SecureFiles.read(file))) : none();
  }

  static IgnoreRules parse(Path file, String text) throws ConfigException {
    List<Rule> rules = new ArrayList<>();
    int number = 0;
    for (String line : text.replaceFirst("^\uFEFF", "").split("\n", -1)) {
      number++;
      String rule = line.replaceFirst("(?s)(^|\\s)#.*", "").strip();
      if (!rule.isEmpty()) {
        try {
          rules.add(new Rule(number, rule, rule(rule.split("\\s+", -1))));
        } catch (IllegalArgumentException e) {
          throw new ConfigException(file, number, e.getMessage());
        }
      }
    }
    return new IgnoreRules(rules);
  }

  /** No rules. */
  public static IgnoreRules none() {
    return new IgnoreRules(List.of());
  }

  /** Whether no rule covers this socket. */
  public boolean isOpen(SocketEntry entry) {
    return covering(entry).isEmpty();
  }

  /** The first rule that covers this socket, if there is one. */
  public Optional<Rule> covering(SocketEntry entry) {
    return rules.stream().filter(rule -> rule.matches().test(entry)).findFirst();
  }

  public List<Rule> rules() {
    return List.copyOf(rules);
  }

  private static Predicate<SocketEntry> rule(String[] tokens) {
    if (tokens.length < 2) {
      throw new IllegalArgumentException(
          "'" + tokens[0] + "' needs an address and port, or a path, behind it; * stands for any");
    }
    Predicate<SocketEntry> all = protocol(tokens[0]).and(local(tokens[0], tokens[1]));
    for (int i = 2; i < tokens.length; i++) {
      all = all.and(condition(tokens[i]));
    }
    return all;
  }

  /** A protocol stands for itself and for its IPv6 twin: {@code tcp} for tcp6 as well. */
  private static Predicate<SocketEntry> protocol(String token) {
    if (!token.equals("*") && Protocol.of(token).isEmpty()) {
      throw new IllegalArgumentException(
          "unknown protocol '"
              + token
              + "'; the first word is one of "
              + Protocol.labels()
              + ", *");
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
      return entry ->
          entry.endpoint().protocol().family() == Family.UNIX
              && path.matches(entry.endpoint().address());
    }
    int colon = token.lastIndexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException(
          "'" + token + "' has no port; write ADDRESS:PORT, where * stands for any");
    }
    Predicate<Endpoint> address =
        CidrBlock.matcher(token.substring(0, colon), isForInterfaces(protocol));
    Predicate<Endpoint> port = port(token.substring(colon + 1));
    return entry ->
        entry.endpoint().protocol().family() != Family.UNIX
            && address.test(entry.endpoint())
            && port.test(entry.endpoint());
  }

  /** Packet sockets are bound to an interface instead of an address. */
  private static boolean isForInterfaces(String protocol) {
    return protocol.equals("*") || protocol.equals(Protocol.PACKET.label());
  }

  /** {@code *}, a port, or a range of ports. */
  private static Predicate<Endpoint> port(String token) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    if (!token.matches("\\d{1,5}(-\\d{1,5})?|0x[0-9a-fA-F]{1,4}")) {
      throw new IllegalArgumentException(
          "'" + token + "' is no port; write a number, a range like 1024-65535, or *");
    }
    String[] ends = token.split("-", -1);
    int first = Integer.decode(ends[0].replaceFirst("^0+(?=\\d)", ""));
    int last = Integer.decode(ends[ends.length - 1].replaceFirst("^0+(?=\\d)", ""));
    if (first > last || last > 0xFFFF) {
      throw new IllegalArgumentException("'" + token + "' is no range of ports from 0 to 65535");
    }
    return endpoint -> first <= endpoint.port() && endpoint.port() <= last;
  }

  private static Predicate<SocketEntry> condition(String token) {
    int equals = token.indexOf('=');
    // netns= alone means the namespace of the host.
    if (equals == token.length() - 1 && !token.equals("netns=")) {
      throw new IllegalArgumentException("'" + token + "' has no value");
    }
    Glob value = new Glob(token.substring(equals + 1));
    return switch (token.substring(0, Math.max(equals, 0))) {
      // All owners: one that a stranger shares is not covered.
      case "program" -> entry -> allOwners(entry, owner -> value.matches(owner.program()));
      case "user" -> entry -> allOwners(entry, owner -> value.matches(owner.user()));
      case "netns" -> entry -> value.matches(entry.endpoint().netns());
      default ->
          throw new IllegalArgumentException(
              "'" + token + "' is no condition; there are program=, user= and netns=");
    };
  }

  private static boolean allOwners(SocketEntry entry, Predicate<Owner> condition) {
    return !entry.owners().isEmpty()
        && !entry.ownerUnknown()
        && entry.owners().stream().allMatch(condition);
  }
}
