package org.lsm.config;

import static org.lsm.model.TextEscaper.unescape;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.Endpoint;
import org.lsm.model.EnumName;
import org.lsm.model.Owner;
import org.lsm.model.PortSet;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketEntry;
import org.lsm.storage.SecureFiles;

/**
 * The rules of ignore.lsm, whose lines have no verb, and of rules.d/*.lsm, whose lines begin with
 * one; see ignore.lsm(5) and lsm-rules(5).
 */
public record Rules(List<Rule> rules) {
  private static final int MAX_RULES = 10_000; // of a host
  private static final String TOO_MANY =
      "there are more than 10,000 rules; use wildcards, blocks and ranges";

  /** The effect of a rule on the sockets that it matches. */
  public enum Verb {
    IGNORE,
    ALLOW,
    REQUIRE;

    private static Optional<Verb> of(String word) {
      return Stream.of(values()).filter(it -> EnumName.of(it).equals(word)).findFirst();
    }
  }

  /**
   * One rule.
   *
   * @param location the file and line: {@code rules.d/web.lsm:3}
   * @param text the line without a comment
   * @param owner the conditions on owners, if there are any
   * @param required what a difference names if a required socket is absent; else null
   */
  public record Rule(
      String location,
      Verb verb,
      String text,
      Predicate<Endpoint> endpoint,
      Optional<Predicate<Owner>> owner,
      SocketEntry required) {

    /** Whether this rule matches a socket: all its owners to ignore it, else at least one. */
    public boolean matches(SocketEntry entry) {
      return endpoint.test(entry.endpoint()) && (owner.isEmpty() || matchesOwners(entry.owners()));
    }

    private boolean matchesOwners(Set<Owner> owners) {
      return verb == Verb.IGNORE
          ? !owners.isEmpty() && owners.stream().allMatch(this::isBy)
          : owners.stream().anyMatch(this::isBy);
    }

    /** Whether this rule is about outbound connections, and not about sockets. */
    public boolean isOutbound() {
      return text.matches("((ignore|allow)\\s+)?out[\\s-].*");
    }

    /** Whether the conditions hold for an owner; an unknown one may be anybody. */
    private boolean isBy(Owner it) {
      return owner.isEmpty() || (!it.equals(Owner.UNKNOWN) && owner.get().test(it));
    }
  }

  /** The ports behind an address that other hosts may reach. */
  private static final Pattern PORTS =
      Pattern.compile("(?!127\\.|\\[::1\\])[^/@].*:((?!0+(-|$))\\d+(-\\d+)?)");

  private static final String OUTBOUND = "out-"; // the prefix of outbound protocols
  private static final Pattern COMMENT = Pattern.compile("(^|\\s)#.*", Pattern.DOTALL);
  private static final Pattern WILDCARD = Pattern.compile("[*?]");
  private static final Pattern IP = Pattern.compile("([0-9.]+|[0-9a-fA-F.]*:[0-9a-fA-F:.]*)(/.*)?");

  /**
   * Reads the rules beside a configuration.
   *
   * @param users returns the names and numbers that stand for the user of a rule
   */
  public static Rules read(Path config, Function<String, Set<String>> users)
      throws IOException, ConfigException {
    List<Rule> rules = new ArrayList<>();
    for (Path file : RuleFiles.beside(config)) {
      rules.addAll(parse(file, SecureFiles.read(file), users).rules());
      if (rules.size() > MAX_RULES) {
        throw new ConfigException(file + ": " + TOO_MANY);
      }
    }
    return new Rules(List.copyOf(rules));
  }

  /** Parses the text of a file; its name says whether lines begin with a verb. */
  public static Rules parse(Path file, byte[] bytes, Function<String, Set<String>> users)
      throws ConfigException {
    String name = file.getFileName().toString();
    boolean hasVerbs = !name.equals(RuleFiles.IGNORE_FILE);
    String location = (hasVerbs ? RuleFiles.DIRECTORY + "/" : "") + name + ":";
    List<Rule> rules = new ArrayList<>();
    Config.parseLines(
        file,
        bytes,
        (number, line) -> {
          String text = COMMENT.matcher(line).replaceFirst("").strip();
          if (!text.isEmpty()) {
            List<String> tokens = List.of(text.split("\\s+", -1));
            Verb verb = verb(tokens.get(0), hasVerbs);
            List<String> rest = hasVerbs ? tokens.subList(1, tokens.size()) : tokens;
            rules.add(rule(location + number, verb, text, rest, users));
            if (rules.size() > MAX_RULES) {
              throw new IllegalArgumentException(TOO_MANY);
            }
          }
        });
    return new Rules(List.copyOf(rules));
  }

  private static Verb verb(String word, boolean hasVerbs) {
    Optional<Verb> verb = Verb.of(word);
    if (hasVerbs && verb.isEmpty()) {
      String lines = RuleFiles.DIRECTORY + " begins with ignore, allow or require";
      throw invalid(word, "is not a verb; a line of " + lines);
    }
    if (!hasVerbs && verb.isPresent()) {
      String files = RuleFiles.DIRECTORY + "/*.lsm, here lines have none";
      throw invalid(word, "is a verb; write this line into a file " + files);
    }
    return verb.orElse(Verb.IGNORE);
  }

  /** Whether no rule allows or requires anything. */
  public boolean onlyIgnore() {
    return rules.stream().allMatch(it -> it.verb() == Verb.IGNORE);
  }

  /**
   * The ports of TCP or UDP that rules name for the host itself, in a rule of any verb and for any
   * owner; {@code *} names none.
   */
  public PortSet ports(Protocol protocol) {
    List<String> ranges = new ArrayList<>();
    for (Rule rule : rules) {
      List<String> tokens = List.of(rule.text().split("\\s+", -1));
      List<String> rest = tokens.subList(Verb.of(tokens.get(0)).isPresent() ? 1 : 0, tokens.size());
      Matcher port = PORTS.matcher(rest.get(1));
      boolean isOfHost = values(rest, "netns=").allMatch(String::isEmpty);
      if (isOfHost
          && List.of("*", protocol.label(), protocol.label() + "6").contains(rest.get(0))
          && port.matches()) {
        ranges.add(port.group(1));
      }
    }
    return PortSet.parse(String.join(",", ranges));
  }

  /** Whether a rule ignores this socket. */
  public boolean ignores(SocketEntry entry) {
    return ignoring(entry).isPresent();
  }

  /** The first rule that ignores this socket. */
  public Optional<Rule> ignoring(SocketEntry entry) {
    for (Rule rule : rules) {
      if (rule.verb() == Verb.IGNORE && rule.matches(entry)) {
        return Optional.of(rule);
      }
    }
    return Optional.empty();
  }

  /** Whether a rule would ignore a socket at this endpoint if it had the right owner. */
  public boolean mayIgnore(Endpoint at) {
    return rules.stream().anyMatch(it -> it.verb() == Verb.IGNORE && it.endpoint().test(at));
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
    SortedSet<Owner> owners = new TreeSet<>(entry.owners());
    owners.removeIf(
        it ->
            !it.equals(Owner.maker("root")) && allowing.stream().noneMatch(rule -> rule.isBy(it)));
    return allowing.isEmpty()
        ? Optional.empty()
        : Optional.of(new SocketEntry(entry.endpoint(), owners, List.of()));
  }

  private static Rule rule(
      String location,
      Verb verb,
      String text,
      List<String> words,
      Function<String, Set<String>> users) {
    List<String> tokens = joinOutbound(words);
    if (tokens.size() < 2) {
      String last = tokens.isEmpty() ? text : tokens.get(0);
      String protocol = tokens.isEmpty() ? "a protocol, " : "";
      throw invalid(
          last, "needs " + protocol + "an address and port, or a path, behind it; * matches any");
    }
    Predicate<Endpoint> protocol = protocol(tokens.get(0));
    Predicate<Endpoint> endpoint = local(tokens.get(0), tokens.get(1)).and(protocol); // name first
    Predicate<Owner> owner = null;
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
        Predicate<Owner> condition = condition(token, equals, users);
        owner = owner == null ? condition : owner.and(condition);
      }
    }
    List<Glob> programs = values(tokens, "program=").map(Glob::new).toList();
    if (verb != Verb.IGNORE && !programs.isEmpty()) {
      // A script is only what the process claims.
      owner = owner.and(it -> programs.stream().anyMatch(glob -> glob.matches(it.program())));
    }
    SocketEntry required = verb == Verb.REQUIRE ? required(tokens) : null;
    if (required != null) {
      endpoint = endpoint.and(it -> it.netns().equals(required.endpoint().netns()));
    }
    return new Rule(location, verb, text, endpoint, Optional.ofNullable(owner), required);
  }

  /** Takes {@code out tcp} for the one word by which reports name it, {@code out-tcp}. */
  private static List<String> joinOutbound(List<String> words) {
    if (words.size() < 2 || !words.get(0).equals("out")) {
      return words;
    }
    Stream<String> rest = words.stream().skip(2);
    return Stream.concat(Stream.of(OUTBOUND + words.get(1)), rest).toList();
  }

  /** The one socket that a rule requires, by the name and the owner that a report gives it. */
  private static SocketEntry required(List<String> tokens) {
    String protocol = tokens.get(0);
    String local = tokens.get(1);
    String netns = values(tokens, "netns=").findFirst().orElse("");
    boolean isUnix = protocol.equals(Protocol.UNIX.label());
    if (protocol.equals("*")
        || protocol.startsWith(OUTBOUND)
        || WILDCARD.matcher(local.replaceFirst("^\\*:", "") + netns).find()
        || (!isUnix && local.matches(".*/.*|.*:\\d+-\\d+"))) {
      throw invalid(
          String.join(" ", tokens),
          "is not one socket; require takes one protocol with one port or path, * only as address");
    }
    String label = protocol + (local.startsWith("[") && !protocol.endsWith("6") ? "6" : "");
    String table = Protocol.of(label).isPresent() ? label : protocol;
    Endpoint endpoint =
        Endpoint.of(netns.isEmpty() ? table : unescape(netns) + ":" + table, unescape(local));
    List<String> programs = values(tokens, "program=").toList();
    SortedSet<Owner> owners = new TreeSet<>();
    if (!programs.isEmpty() && programs.get(0).startsWith("/")) {
      String script = programs.size() > 1 ? unescape(programs.get(1)) : "";
      String user = unescape(values(tokens, "user=").findFirst().orElse("*"));
      owners.add(new Owner(user, unescape(programs.get(0)), script));
    }
    return new SocketEntry(endpoint, owners, List.of());
  }

  private static Stream<String> values(List<String> tokens, String condition) {
    return tokens.stream()
        .skip(2)
        .filter(it -> it.startsWith(condition))
        .map(it -> it.substring(condition.length()));
  }

  private static IllegalArgumentException invalid(String token, String problem) {
    return new IllegalArgumentException("'" + token + "' " + problem);
  }

  /** A protocol includes its IPv6 twin: {@code tcp} covers tcp6 as well. */
  private static Predicate<Endpoint> protocol(String token) {
    boolean isAny = token.equals("*") || token.equals(OUTBOUND + "*");
    if (!isAny && Protocol.of(token).isEmpty()) {
      String valid =
          "; the first word is one of " + Protocol.labels() + ", *, or out before tcp, udp, *";
      throw new IllegalArgumentException("unknown protocol '" + token + "'" + valid);
    }
    Set<String> labels = Set.of(token, token + "6");
    boolean isOutbound = token.startsWith(OUTBOUND);
    return it -> isAny ? it.isOutbound() == isOutbound : labels.contains(it.protocol().label());
  }

  private static Predicate<Endpoint> local(String protocol, String token) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    Predicate<Endpoint> unix = endpoint -> endpoint.protocol().family() == Family.UNIX;
    if (protocol.equals("unix") || token.startsWith("/") || token.startsWith("@")) {
      return glob(token).and(unix);
    }
    int colon = token.lastIndexOf(':');
    if (colon < 1) {
      throw invalid(token, "has no port; write ADDRESS:PORT, where * matches any");
    }
    if (protocol.startsWith(OUTBOUND)) {
      return network(token.substring(0, colon)).and(port(token.substring(colon + 1)));
    }
    // Packet sockets are bound to an interface instead of an address.
    boolean interfaces = protocol.equals("*") || protocol.equals(Protocol.PACKET.label());
    Predicate<Endpoint> address = address(token.substring(0, colon), interfaces);
    return Predicate.not(unix).and(address).and(port(token.substring(colon + 1)));
  }

  /** A condition on the kind of a remote network: the addresses are not known. */
  private static Predicate<Endpoint> network(String token) {
    if (!token.matches("\\*|public|private|link-local")) {
      throw invalid(token, "is not a kind of network; write public, private, link-local, or *");
    }
    return it -> token.equals("*") || token.equals(it.address());
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
    return glob(token);
  }

  private static Predicate<Endpoint> glob(String token) {
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
        Set<String> names = WILDCARD.matcher(text).find() ? Set.of() : users.apply(unescape(text));
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
