package org.lsm.config;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
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
 * The rules of ignore.lsm, whose lines have no verb, and of rules.d/*.lsm, whose lines begin with
 * one; see lsm-rules(5). Then follow a protocol, an address and port or a path, and conditions.
 *
 * <pre>
 * require  tcp   *:22                    program=/usr/sbin/sshd  user=root
 * allow    tcp   127.0.0.0/8:1024-65535  user=jenkins
 * ignore   unix  /run/user/*&#47;**
 * </pre>
 */
public record Rules(List<Rule> rules) {
  private static final String IGNORE_FILE = "ignore.lsm";
  private static final String DIRECTORY = "rules.d";

  /** What lsm makes of the sockets of a rule. */
  public enum Verb {
    /** They are not watched. */
    IGNORE,
    /** They are accepted if they are there. */
    ALLOW,
    /** They are accepted, and one of them has to be there. */
    REQUIRE;

    private static final String LIST = "ignore, allow or require";

    static Optional<Verb> of(String word) {
      return Stream.of(values()).filter(it -> it.word().equals(word)).findFirst();
    }

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One rule.
   *
   * @param location the file and line: {@code rules.d/web.lsm:3}
   * @param text the line without a comment
   * @param owner the conditions on owners, if there are any
   * @param required what the difference names if a required socket is absent; else null
   */
  public record Rule(
      String location,
      Verb verb,
      String text,
      Predicate<Endpoint> endpoint,
      Optional<Predicate<Owner>> owner,
      SocketEntry required) {

    /** Whether this rule matches a socket and all its owners. */
    public boolean covers(SocketEntry entry) {
      boolean known = !entry.owners().isEmpty() && !entry.ownerUnknown();
      return endpoint.test(entry.endpoint())
          && (owner.isEmpty() || (known && entry.owners().stream().allMatch(owner.get())));
    }

    /** Whether this rule matches a socket, and one of its owners if it has conditions on them. */
    public boolean matches(SocketEntry entry) {
      return endpoint.test(entry.endpoint()) && (owner.isEmpty() || !owners(entry).isEmpty());
    }

    /** The owners of a socket that this rule matches; an unknown one may be anybody. */
    private List<Owner> owners(SocketEntry entry) {
      Predicate<Owner> condition = owner.orElse(it -> true);
      return entry.owners().stream()
          .filter(it -> condition.test(it) && !(owner.isPresent() && it.equals(Owner.UNKNOWN)))
          .toList();
    }
  }

  private static final Pattern IP = Pattern.compile("([0-9.]+|[0-9a-fA-F.]*:[0-9a-fA-F:.]*)(/.*)?");

  /**
   * Reads the rules beside a configuration.
   *
   * @param users returns the names and numbers that stand for the user of a rule
   */
  public static Rules read(Path config, Function<String, Set<String>> users)
      throws IOException, ConfigException {
    List<Rule> rules = new ArrayList<>();
    for (Path file : files(config)) {
      rules.addAll(parse(file, SecureFiles.read(file), users).rules());
    }
    return new Rules(List.copyOf(rules));
  }

  /** The files of rules beside a configuration, those that there are. */
  public static List<Path> files(Path config) throws IOException {
    List<Path> files = new ArrayList<>();
    Path ignore = config.resolveSibling(IGNORE_FILE);
    if (Files.exists(ignore, LinkOption.NOFOLLOW_LINKS)) {
      files.add(ignore);
    }
    Path directory = config.resolveSibling(DIRECTORY);
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      SecureFiles.requireTrusted(directory);
      files.addAll(filesIn(directory));
    }
    return files;
  }

  /** The files of rules in a directory, by name; hidden ones and other names do not count. */
  public static List<Path> filesIn(Path directory) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path file : entries) {
        String name = file.getFileName().toString();
        if (name.endsWith(".lsm") && !name.startsWith(".")) {
          files.add(file);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    Collections.sort(files);
    return files;
  }

  /** Parses the text of a file; its name says whether lines begin with a verb. */
  public static Rules parse(Path file, byte[] bytes, Function<String, Set<String>> users)
      throws ConfigException {
    String name = file.getFileName().toString();
    boolean hasVerbs = !name.equals(IGNORE_FILE);
    String location = (hasVerbs ? DIRECTORY + "/" : "") + name + ":";
    List<Rule> rules = new ArrayList<>();
    Config.parseLines(
        file,
        bytes,
        (number, line) -> {
          String text = line.replaceFirst("(?s)(^|\\s)#.*", "").strip();
          if (!text.isEmpty()) {
            List<String> tokens = List.of(text.split("\\s+", -1));
            Verb verb = verb(tokens.get(0), hasVerbs);
            List<String> rest = hasVerbs ? tokens.subList(1, tokens.size()) : tokens;
            rules.add(rule(location + number, verb, text, rest, users));
          }
        });
    return new Rules(List.copyOf(rules));
  }

  private static Verb verb(String word, boolean hasVerbs) {
    Optional<Verb> verb = Verb.of(word);
    if (hasVerbs && verb.isEmpty()) {
      throw invalid(word, "is not a verb; a line of " + DIRECTORY + " begins with " + Verb.LIST);
    }
    if (!hasVerbs && verb.isPresent()) {
      throw invalid(
          word,
          "is a verb; write this line into a file " + DIRECTORY + "/*.lsm, here lines have none");
    }
    return verb.orElse(Verb.IGNORE);
  }

  /** Whether no rule allows or requires anything. */
  public boolean onlyIgnore() {
    for (Rule rule : rules) {
      if (rule.verb() != Verb.IGNORE) {
        return false;
      }
    }
    return true;
  }

  /** The rules with this verb. */
  public List<Rule> with(Verb verb) {
    return rules.stream().filter(it -> it.verb() == verb).toList();
  }

  /** Whether a rule ignores this socket. */
  public boolean ignores(SocketEntry entry) {
    return ignoring(entry).isPresent();
  }

  /** The first rule that ignores this socket. */
  public Optional<Rule> ignoring(SocketEntry entry) {
    return rules.stream().filter(it -> it.verb() == Verb.IGNORE && it.covers(entry)).findFirst();
  }

  /** The rules that allow or require this socket for at least one of its owners. */
  public List<Rule> allowing(SocketEntry entry) {
    return rules.stream().filter(it -> it.verb() != Verb.IGNORE && it.matches(entry)).toList();
  }

  /**
   * A socket with the owners that rules allow and require; empty if there is no such rule. Root may
   * always be the maker: it could have done anything else, too.
   */
  public Optional<SocketEntry> allowed(SocketEntry entry) {
    List<Rule> allowing = allowing(entry);
    SortedSet<Owner> owners = new TreeSet<>();
    allowing.forEach(it -> owners.addAll(it.owners(entry)));
    if (entry.owners().contains(Owner.maker("root"))) {
      owners.add(Owner.maker("root"));
    }
    return allowing.isEmpty()
        ? Optional.empty()
        : Optional.of(new SocketEntry(entry.endpoint(), owners, List.of()));
  }

  private static Rule rule(
      String location,
      Verb verb,
      String text,
      List<String> tokens,
      Function<String, Set<String>> users) {
    if (tokens.size() < 2) {
      String last = tokens.isEmpty() ? text : tokens.get(0);
      throw invalid(
          last,
          tokens.isEmpty()
              ? "needs a protocol behind it"
              : "needs an address and port, or a path, behind it; * matches any");
    }
    Predicate<Endpoint> endpoint = protocol(tokens.get(0)).and(local(tokens.get(0), tokens.get(1)));
    List<Predicate<Owner>> owner = new ArrayList<>();
    for (String token : tokens.subList(2, tokens.size())) {
      int equals = token.indexOf('=');
      // netns= without a value is the namespace of the host.
      if (equals == token.length() - 1 && !token.equals("netns=")) {
        throw invalid(token, "has no value");
      }
      if (token.startsWith("netns=")) {
        Glob netns = new Glob(token.substring(equals + 1));
        endpoint = endpoint.and(it -> netns.matches(it.netns()));
      } else {
        owner.add(condition(token, equals, users));
      }
    }
    SocketEntry required = verb == Verb.REQUIRE ? required(tokens) : null;
    if (verb == Verb.REQUIRE) {
      String netns = required.endpoint().netns();
      endpoint = endpoint.and(it -> it.netns().equals(netns));
    }
    return new Rule(
        location, verb, text, endpoint, owner.stream().reduce(Predicate::and), required);
  }

  /** The one socket that a rule requires, by the name and the owner that a report gives it. */
  private static SocketEntry required(List<String> tokens) {
    String local = tokens.get(1);
    boolean isAnyAddress = local.startsWith("*:");
    String exact = isAnyAddress ? local.substring(2) : local;
    boolean isBlock = !tokens.get(0).equals("unix") && local.indexOf('/') >= 0;
    boolean isRange = local.matches(".*:\\d+-\\d+");
    if (tokens.get(0).equals("*") || hasWildcard(exact) || isBlock || isRange) {
      throw invalid(
          tokens.get(0) + " " + local,
          "is not one socket; require takes one protocol with one port or path, * only as address");
    }
    Map<String, List<String>> values =
        tokens.stream()
            .skip(2)
            .collect(
                groupingBy(
                    it -> it.substring(0, it.indexOf('=')),
                    mapping(it -> it.substring(it.indexOf('=') + 1), toList())));
    String netns = values.getOrDefault("netns", List.of("")).get(0);
    if (hasWildcard(netns)) {
      throw invalid("netns=" + netns, "is not one namespace, which require needs");
    }
    boolean isIpv6 = local.startsWith("[") && Protocol.of(tokens.get(0) + "6").isPresent();
    String label = tokens.get(0) + (isIpv6 ? "6" : "");
    String table = netns.isEmpty() ? label : TextEscaper.unescape(netns) + ":" + label;
    Endpoint endpoint = Endpoint.of(table, TextEscaper.unescape(local));
    List<String> programs = values.getOrDefault("program", List.of());
    String program = programs.isEmpty() ? "" : TextEscaper.unescape(programs.get(0));
    String script = programs.size() < 2 ? "" : TextEscaper.unescape(programs.get(1));
    String user = TextEscaper.unescape(values.getOrDefault("user", List.of("*")).get(0));
    SortedSet<Owner> owners = new TreeSet<>();
    if (program.startsWith("/")) {
      owners.add(new Owner(user, program, script));
    }
    return new SocketEntry(endpoint, owners, List.of());
  }

  private static boolean hasWildcard(String text) {
    return text.contains("*") || text.contains("?");
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

  private static Predicate<Owner> condition(
      String token, int equals, Function<String, Set<String>> users) {
    String text = token.substring(equals + 1);
    Glob value = new Glob(text);
    return switch (token.substring(0, Math.max(equals, 0))) {
      case "program" -> owner -> isProgram(owner, value);
      case "user" -> {
        Set<String> names = hasWildcard(text) ? Set.of() : users.apply(TextEscaper.unescape(text));
        yield owner -> names.contains(owner.user()) || value.matches(owner.user());
      }
      default ->
          throw invalid(token, "is not a condition; valid ones are program=, user= and netns=");
    };
  }

  private static boolean isProgram(Owner owner, Glob value) {
    return value.matches(owner.program()) || value.matches(owner.script());
  }
}
