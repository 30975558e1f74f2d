package org.lsm.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import inet.ipaddr.IPAddress;
import inet.ipaddr.IPAddressString;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.lsm.config.Rules.Rule;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.SocketEntry;

/**
 * Random rules against random sockets, where other libraries decide: IPAddress about blocks, the
 * globs of the JDK about paths. Values are drawn from few, so that many of them match.
 */
class RuleOracleTest {
  private static final int ROUNDS = 20_000;
  private static final List<String> USERS = List.of("root", "www", "joe");
  private static final List<String> PROGRAMS =
      List.of("/usr/sbin/a", "/usr/sbin/ab", "/usr/bin/a", "/opt/x/y/a");
  private static final List<String> GLOBS =
      List.of("/usr/sbin/a", "/usr/*/a", "/usr/**", "/**/a", "/usr/sbin/a?", "**a", "*");
  private static final List<String> V4 =
      List.of("0.0.0.0", "127.0.0.1", "10.0.0.1", "10.0.128.7", "10.1.0.1", "192.0.2.255");
  private static final List<String> V6 =
      List.of("::", "::1", "fe80::1", "2001:db8::1", "2001:db8:8000::1", "::ffff:10.0.0.1");

  private final Random random = new Random(18);

  /** A rule as its parts, and what an oracle makes of it. */
  private record Parts(
      String protocol, String address, int first, int last, String user, String glob) {
    String text(String verb) {
      String port = first == 0 ? "*" : first == last ? "" + first : first + "-" + last;
      return verb
          + " "
          + protocol
          + " "
          + address
          + ":"
          + port
          + (user == null ? "" : " user=" + user)
          + (glob == null ? "" : " program=" + glob);
    }

    boolean matchesEndpoint(Endpoint at) {
      String label = at.protocol().label();
      return (protocol.equals("*") || protocol.equals(label) || (protocol + "6").equals(label))
          && (first == 0 || (at.port() >= first && at.port() <= last))
          && (address.equals("*") || contains(at.address()));
    }

    /** IPv4-mapped addresses are IPv4. */
    private boolean contains(String literal) {
      IPAddress block =
          new IPAddressString(address.replaceAll("[\\[\\]]", "")).getAddress().toPrefixBlock();
      return block.contains(new IPAddressString(literal.replace("::ffff:", "")).getAddress());
    }

    boolean matchesOwner(Owner owner) {
      return (user == null || user.equals("*") || user.equals(owner.user()))
          && (glob == null || matches(owner.program()) || matches(owner.script()));
    }

    /** A script alone is no reason to accept an owner. */
    boolean acceptsOwner(Owner owner) {
      return matchesOwner(owner) && (glob == null || matches(owner.program()));
    }

    private boolean matches(String program) {
      return FileSystems.getDefault().getPathMatcher("glob:" + glob).matches(Path.of(program));
    }
  }

  @Test
  void verbsAgreeWithOtherLibraries() throws Exception {
    int ignored = 0;
    int allowed = 0;
    int shared = 0;
    for (int i = 0; i < ROUNDS; i++) {
      Parts parts = parts();
      SocketEntry entry = entry();
      boolean isAt = parts.matchesEndpoint(entry.endpoint());
      boolean hasCondition = parts.user() != null || parts.glob() != null;
      boolean isAll = entry.owners().stream().allMatch(parts::matchesOwner);
      boolean ignores = isAt && (!hasCondition || (isAll && !entry.owners().isEmpty()));
      List<Owner> owners = entry.owners().stream().filter(parts::acceptsOwner).toList();
      boolean allows = isAt && (!hasCondition || !owners.isEmpty());
      String message = parts + " " + entry;
      assertEquals(ignores, rule(parts.text("ignore")).matches(entry), message);
      assertEquals(allows, rule(parts.text("allow")).matches(entry), message);
      Rules rules = new Rules(List.of(rule(parts.text("allow"))));
      assertEquals(
          allows ? new TreeSet<>(owners) : Set.of(),
          rules.allowed(entry).map(SocketEntry::owners).map(Set::copyOf).orElse(Set.of()),
          message);
      ignored += ignores ? 1 : 0;
      allowed += allows ? 1 : 0;
      shared += allows && owners.size() < entry.owners().size() ? 1 : 0;
    }
    assertTrue(
        ignored > ROUNDS / 50 && shared > ROUNDS / 200, ignored + " " + allowed + " " + shared);
    assertTrue(allowed < ROUNDS * 3 / 4, "" + allowed);
  }

  private Parts parts() {
    int first = random.nextBoolean() ? 0 : 20 + random.nextInt(5);
    String protocol = pick(List.of("tcp", "tcp6", "udp", "*"));
    return new Parts(
        protocol,
        random.nextInt(4) == 0 ? "*" : block(),
        first,
        first + random.nextInt(3),
        random.nextBoolean() ? null : pick(List.of("root", "www", "*")),
        random.nextBoolean() ? null : pick(GLOBS));
  }

  /** An address of the sockets with a random prefix, so that the edges of blocks are met. */
  private String block() {
    boolean isIpv6 = random.nextBoolean();
    String address = pick(isIpv6 ? V6.subList(0, V6.size() - 1) : V4);
    int bits = isIpv6 ? 128 : 32;
    String prefix = random.nextInt(3) == 0 ? "" : "/" + random.nextInt(bits + 1);
    return (isIpv6 ? "[" + address + "]" : address) + prefix;
  }

  private SocketEntry entry() {
    boolean isIpv6 = random.nextBoolean();
    String table = pick(List.of("tcp", "udp")) + (isIpv6 ? "6" : "");
    String address = pick(isIpv6 ? V6 : V4);
    List<Owner> owners = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      owners.add(new Owner(pick(USERS), pick(PROGRAMS)));
    }
    String host = isIpv6 ? "[" + address + "]" : address;
    return entry(table, host + ":" + (19 + random.nextInt(8)), owners);
  }

  static SocketEntry entry(String table, String local, List<Owner> owners) {
    return new SocketEntry(Endpoint.of(table, local), new TreeSet<>(owners), List.of());
  }

  private <T> T pick(List<T> all) {
    return all.get(random.nextInt(all.size()));
  }

  private static Rule rule(String text) throws ConfigException {
    return Rules.parse(Path.of("rules.d/x.lsm"), text.getBytes(UTF_8), Set::of).rules().get(0);
  }
}
