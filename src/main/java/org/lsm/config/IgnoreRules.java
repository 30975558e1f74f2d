package org.lsm.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;
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
public record IgnoreRules(List<Rule> rules) {
  /** One rule, with its line number in the file, its text without a comment, and what it covers. */
  public record Rule(int line, String text, Predicate<SocketEntry> matches) {}

  private static final Pattern IP = Pattern.compile("([0-9.]+|[0-9a-fA-F.]*:[0-9a-fA-F:.]*)(/.*)?");

  /**
   * Reads the rules of a file; a missing file has none.
   *
   * @param users returns the names and numbers that stand for the user of a rule
   */
  public static IgnoreRules read(Path file, Function<String, Set<String>> users)
      throws IOException, ConfigException {
    return parse(file, Files.exists(file) ? SecureFiles.read(file) : new byte[0], users);
  }

  static IgnoreRules parse(Path file, byte[] bytes, Function<String, Set<String>> users)
      throws ConfigException {
    List<Rule> rules = new ArrayList<>();
    Config.parseLines(
        file,
        bytes,
        (number, line) -> {
          String rule = line.replaceFirst("(?s)(^|\\s)#.*", "").strip();
          if (!rule.isEmpty()) {
            rules.add(new Rule(number, rule, rule(rule.split("\\s+", -1), users)));
          }
        });
    return new IgnoreRules(List.copyOf(rules));
  }

  /** Whether a rule covers this socket. */
  public boolean ignores(SocketEntry entry) {
    return covering(entry).isPresent();
  }

  /** The first rule that covers this socket. */
  public Optional<Rule> covering(SocketEntry entry) {
    return rules.stream().filter(rule -> rule.matches().test(entry)).findFirst();
  }

  private static Predicate<SocketEntry> rule(String[] tokens, Function<String, Set<String>> users) {
    if (tokens.length < 2) {
      throw invalid(tokens[0], "needs an address and port, or a path, behind it; * matches any");
    }
    Predicate<Endpoint> endpoint = protocol(tokens[0]).and(local(tokens[0], tokens[1]));
    Predicate<SocketEntry> covers = entry -> endpoint.test(entry.endpoint());
    return Stream.of(tokens)
        .skip(2)
        .map(token -> condition(token, users))
        .reduce(covers, Predicate::and);
  }

  private static IllegalArgumentException invalid(String token, String problem) {
    return new IllegalArgumentException("'" + token + "' " + problem);
  }

  /** A protocol includes its IPv6 twin: {@code tcp} covers tcp6 as well. */
  private static Predicate<Endpoint> protocol(String token) {
    if (!token.equals("*") && Protocol.of(token).isEmpty()) {
      String valid = "; the first word is one of " + Protocol.labels() + ", *";
      throw new IllegalArgumentException("unknown protocol '" + token + "'" + valid);
    }
    Set<String> labels = Set.of(token, token + "6");
    return it -> token.equals("*") || labels.contains(it.protocol().label());
  }

  private static Predicate<Endpoint> local(String protocol, String token) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    Predicate<Endpoint> unix = endpoint -> endpoint.protocol().family() == Family.UNIX;
    if (protocol.equals("unix") || token.startsWith("/") || token.startsWith("@")) {
      Glob path = new Glob(token);
      return unix.and(endpoint -> path.matches(endpoint.address()));
    }
    int colon = token.lastIndexOf(':');
    if (colon < 1) {
      throw invalid(token, "has no port; write ADDRESS:PORT, where * matches any");
    }
    // Packet sockets are bound to an interface instead of an address.
    boolean interfaces = protocol.equals("*") || protocol.equals(Protocol.PACKET.label());
    Predicate<Endpoint> address = address(token.substring(0, colon), interfaces);
    return Predicate.not(unix).and(address).and(port(token.substring(colon + 1)));
  }

  /** {@code *}, an address or block, IPv6 also in brackets, or a glob for names of interfaces. */
  static Predicate<Endpoint> address(String token, boolean interfaces) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    String text = token.replaceFirst("^\\[(.*)\\](/\\d+)?$", "$1$2");
    if (IP.matcher(text).matches()) {
      CidrBlock block = CidrBlock.parse(text);
      return it -> it.protocol().family() != Family.PACKET && block.contains(it.address());
    }
    if (!interfaces) {
      throw invalid(token, "is not an IP address; write an address, a block like 10.0.0.0/8, or *");
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
      throw invalid(token, "is not a port; write a number, a range like 1024-65535, or *");
    }
    // Leading zeros would make a number octal.
    String[] ends = token.replaceAll("\\b0+(?=\\d)", "").split("-", -1);
    int first = Integer.decode(ends[0]);
    int last = Integer.decode(ends[ends.length - 1]);
    if (first > last || last > 0xFFFF) {
      throw invalid(token, "is not a range of ports from 0 to 65535");
    }
    return endpoint -> first <= endpoint.port() && endpoint.port() <= last;
  }

  private static Predicate<SocketEntry> condition(
      String token, Function<String, Set<String>> users) {
    int equals = token.indexOf('=');
    // netns= without a value is the namespace of the host.
    if (equals == token.length() - 1 && !token.equals("netns=")) {
      throw invalid(token, "has no value");
    }
    String text = token.substring(equals + 1);
    Glob value = new Glob(text);
    return switch (token.substring(0, Math.max(equals, 0))) {
      case "program" -> entry -> allOwners(entry, owner -> isProgram(owner, value));
      case "user" -> {
        boolean isPattern = text.contains("*") || text.contains("?");
        Set<String> names = isPattern ? Set.of() : users.apply(TextEscaper.unescape(text));
        yield entry ->
            allOwners(entry, it -> names.contains(it.user()) || value.matches(it.user()));
      }
      case "netns" -> entry -> value.matches(entry.endpoint().netns());
      default ->
          throw invalid(token, "is not a condition; valid ones are program=, user= and netns=");
    };
  }

  private static boolean isProgram(Owner owner, Glob value) {
    return value.matches(owner.program()) || value.matches(owner.script());
  }

  /** All owners must match, so that a rule does not cover a socket that a stranger shares. */
  private static boolean allOwners(SocketEntry entry, Predicate<Owner> condition) {
    boolean known = !entry.owners().isEmpty() && !entry.ownerUnknown();
    return known && entry.owners().stream().allMatch(condition);
  }
}
