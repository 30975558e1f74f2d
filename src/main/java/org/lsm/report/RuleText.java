package org.lsm.report;

import static java.util.stream.Collectors.joining;
import static org.lsm.report.EscapedText.escape;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Protocol;
import org.lsm.model.Protocol.Family;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;

/** Sockets as lines of lsm-rules(5), in the escaped form in which such a file is read. */
public final class RuleText {
  private static final String CLIENT_PORTS = "1024-65535";
  private static final String RESERVED_PORTS = "600-1023"; // bindresvport(3)
  private static final Pattern CHOSEN = Pattern.compile("\\$(PID|HEX)");
  private static final String NO_PROCESS = "# no process holds it";

  /** The directory of one service, in which its unix sockets may be one rule. */
  private static final Pattern DIRECTORY =
      Pattern.compile(
          "(/var/(?:run|lib|spool|tmp)/[^/]+/|/(?!var/(?:run|lib|spool|tmp)/)[^/]+/[^/]+/|[^/@][^/]*/).*");

  /**
   * What sockets have in common that may be one rule.
   *
   * @param protocol for IPv4 and IPv6
   * @param place the port, or the directory of unix sockets; empty for others
   */
  private record Group(String protocol, String place, String conditions) {}

  private RuleText() {}

  /** The rules that allow a socket, one for each of its owners that is known. */
  public static List<String> allow(SocketEntry entry) {
    String local = local(SocketIdentity.NONE.key(entry), entry.endpoint());
    String start = "allow " + entry.endpoint().protocol().label() + " " + local;
    String netns = entry.endpoint().netns();
    String end = netns.isEmpty() ? "" : " netns=" + word(netns);
    return conditions(entry).stream().map(it -> (start + " " + it).strip() + end).toList();
  }

  /**
   * The rules for these sockets, aligned: services at fixed ports are required, all else is
   * allowed.
   *
   * @param isService whether a user runs services
   * @param withNetns whether the sockets of several network namespaces may be among them
   */
  public static String of(
      Collection<SocketEntry> entries,
      SocketIdentity identity,
      Predicate<String> isService,
      boolean withNetns) {
    Map<Group, NavigableSet<String>> locals = new LinkedHashMap<>();
    Set<Group> required = new HashSet<>();
    StringBuilder unknown = new StringBuilder();
    for (SocketEntry entry : entries) {
      boolean isHeld = !entry.owners().isEmpty(); // else, the rule has no conditions
      Endpoint key = isHeld ? identity.key(entry) : entry.endpoint();
      String netns = withNetns ? " netns=" + word(key.netns()) : "";
      List<String> conditions = conditions(entry);
      for (String it : conditions) {
        String place = it.isEmpty() && !hasPort(key) ? "" : place(key, entry);
        Group group = new Group(protocol(key), place, (it + netns).strip());
        String local = hasPort(key) ? host(key) : pattern(key, entry.endpoint());
        locals.computeIfAbsent(group, none -> new TreeSet<>()).add(local);
        if (it.equals(conditions.get(0)) && isRequired(key, place, entry, isService)) {
          required.add(group);
        }
      }
      if (conditions.isEmpty()) {
        unknown.append("# " + escape(key.toString()) + ": lsm cannot see its owner\n");
      }
    }
    List<List<String>> rows = new ArrayList<>();
    locals.forEach(
        (group, all) -> {
          for (String it : merged(group, all)) {
            rows.add(row(group, it, required.contains(group)));
          }
        });
    String table = rows.isEmpty() ? "" : SocketListing.align(rows);
    return table + unknown;
  }

  /** The local parts of the rules of a group: one stands for all where it accepts no more. */
  private static Collection<String> merged(Group group, NavigableSet<String> locals) {
    boolean isUnix = group.protocol().equals(Protocol.UNIX.label());
    if (group.place().isEmpty() || (isUnix && locals.size() == 1)) {
      return locals;
    } else if (isUnix) {
      String directory = commonDirectory(locals.first(), locals.last());
      boolean isFlat = locals.stream().allMatch(it -> it.lastIndexOf('/') < directory.length());
      return List.of(directory + (isFlat ? "*" : "**"));
    }
    boolean isOnAll = Stream.of("*", "0.0.0.0", "[::]").anyMatch(locals::contains);
    Stream<String> hosts = isOnAll && locals.size() > 1 ? Stream.of("*") : locals.stream();
    return hosts.map(it -> it + ":" + group.place()).toList();
  }

  private static String commonDirectory(String first, String last) {
    int end = 0;
    while (end < first.length() && end < last.length() && first.charAt(end) == last.charAt(end)) {
      end++;
    }
    return first.substring(0, first.lastIndexOf('/', end - 1) + 1);
  }

  private static List<String> row(Group group, String local, boolean isRequired) {
    boolean isIpv6 = local.startsWith("[") && !group.protocol().equals(Protocol.SCTP.label());
    boolean isBlock = local.contains("]/");
    return List.of(
        isRequired && !isBlock ? "require" : "allow",
        group.protocol() + (isIpv6 ? "6" : ""),
        local,
        group.conditions().isEmpty() ? NO_PROCESS : group.conditions());
  }

  /** Whether this is a service that should be there: at a fixed port, and not of a login user. */
  private static boolean isRequired(
      Endpoint key, String place, SocketEntry entry, Predicate<String> isService) {
    return key.hasPort(key.port())
        && place.matches("\\d+")
        && !host(key).matches("\\*|.*/.*")
        && !entry.hasNoProcess()
        && entry.owners().stream().allMatch(it -> isService.test(it.user()));
  }

  private static boolean hasPort(Endpoint key) {
    return switch (key.protocol().family()) {
      case INET, INET6, SCTP -> true;
      case PACKET, UNIX, OUTBOUND -> false;
    };
  }

  /** The name of a protocol for IPv4 and IPv6. */
  private static String protocol(Endpoint key) {
    return key.protocol().label().replace("6", "");
  }

  private static String place(Endpoint key, SocketEntry entry) {
    boolean isHeld = !entry.owners().isEmpty();
    boolean isUdp = protocol(key).equals(Protocol.UDP.label());
    boolean isReserved = isUdp && isHeld && key.port() >= 600 && key.port() <= 1023;
    return switch (key.protocol().family()) {
      case INET, INET6, SCTP -> isReserved ? RESERVED_PORTS : port(key);
      case UNIX -> {
        Matcher directory = DIRECTORY.matcher(pattern(key, entry.endpoint()));
        yield directory.matches() ? directory.group(1) : "";
      }
      case PACKET, OUTBOUND -> "";
    };
  }

  private static String local(Endpoint key, Endpoint at) {
    return hasPort(key) ? host(key) + ":" + port(key) : pattern(key, at);
  }

  /** A name with a wildcard for what was chosen for it, unless the name imitates that. */
  private static String pattern(Endpoint key, Endpoint at) {
    String pattern = word(key.local()).replaceAll("(\\$(PID|HEX))+", "*");
    boolean imitates = CHOSEN.matcher(at.local()).find();
    boolean isChosen = !key.equals(at) && !imitates && !pattern.equals("*"); // * matches any
    return isChosen ? pattern.replaceFirst("^@\\*$", "@?????") : word(at.local());
  }

  private static String port(Endpoint key) {
    String any = key.isPing() ? "*" : CLIENT_PORTS;
    return key.port() == Endpoint.EPHEMERAL ? any : String.valueOf(key.port());
  }

  private static String host(Endpoint key) {
    String address = key.address();
    boolean isTcp = protocol(key).equals(Protocol.TCP.label());
    boolean isClient = key.port() == Endpoint.EPHEMERAL && !isTcp && !key.isLocal();
    if (address.startsWith("temporary") || isClient) {
      return "*";
    } else if (address.equals("link-local")) {
      return "[fe80::]/10";
    }
    boolean isIpv6 = key.protocol().family() == Family.INET6 || address.indexOf(':') >= 0;
    return isIpv6 ? "[" + address + "]" : address;
  }

  private static List<String> conditions(SocketEntry entry) {
    if (entry.owners().isEmpty()) {
      return List.of("");
    }
    Owner root = Owner.maker("root"); // rules accept it
    List<Owner> owners = new ArrayList<>(entry.owners());
    owners.removeIf(it -> it.equals(Owner.UNKNOWN) || (it.equals(root) && owners.size() > 1));
    return owners.stream().map(RuleText::conditions).toList();
  }

  private static String conditions(Owner owner) {
    boolean hasScript = !owner.script().isEmpty() && !owner.script().equals(Owner.UNKNOWN_SCRIPT);
    return Stream.of(
            owner.program().isEmpty() ? "" : "program=" + word(owner.program()),
            hasScript ? "program=" + word(owner.script()) : "",
            owner.user().isEmpty() ? "" : "user=" + word(owner.user()))
        .filter(it -> !it.isEmpty())
        .collect(joining(" "));
  }

  /** A text as one word without a wildcard. */
  private static String word(String text) {
    return TextEscaper.escape(text)
        .replace(" ", "\\x20")
        .replace("#", "\\x23")
        .replace("*", "\\x2a")
        .replace("?", "\\x3f");
  }
}
