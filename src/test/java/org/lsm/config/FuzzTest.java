package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.lsm.FuzzTarget;
import org.lsm.config.Rules.Rule;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.PortSet;
import org.lsm.model.SocketEntry;
import org.lsm.model.TextEscaper;

/** Configurations with arbitrary bytes. */
class FuzzTest {

  private static final Path FILE = Path.of("/etc/lsm/x");

  /** A baseline that was edited by hand may have any address. */
  private static final Endpoint NOWHERE = Endpoint.of("tcp", "nowhere:1");

  private static final List<SocketEntry> SOCKETS =
      Stream.of(
              Endpoint.of("tcp", "0.0.0.0:22"),
              Endpoint.of("web:tcp6", "[fe80::1]:8080"),
              Endpoint.of("udp6", "[::ffff:127.0.0.1]:53"),
              Endpoint.of("udp", "10.1.2.3:ephemeral"),
              Endpoint.of("packet", "eth0:0x0003"),
              Endpoint.of("unix", "/run/user/1000/\n\udcff"),
              Endpoint.of("unix", "@/tmp/dbus-x"),
              NOWHERE)
          .flatMap(
              endpoint ->
                  Stream.of(
                      new SocketEntry(endpoint, new TreeSet<>(), List.of()),
                      entry(endpoint, new Owner("root", "/usr/sbin/sshd")),
                      entry(endpoint, new Owner("joe", "/tmp/a b"))))
          .toList();

  private static SocketEntry entry(Endpoint endpoint, Owner owner) {
    return new SocketEntry(endpoint, new TreeSet<>(List.of(owner)), List.of());
  }

  @FuzzTarget
  void conf(byte[] bytes) {
    Config config;
    try {
      config = Config.parse(FILE, bytes);
    } catch (ConfigException e) {
      return;
    }
    // Every accepted configuration is usable.
    assertTrue(config.smtpPort() > 0 && !config.recipients().isEmpty());
    assertTrue(!config.remind().isNegative() && config.stateDirectory().isAbsolute());
    assertTrue(config.smtpPassFile().isPresent() || config.smtpUser().isEmpty());
    config.metricsFile();
    config.mailer();
    config.smtpTls();
    config.ephemeral();
    config.sentry();
    assertTrue(config.sentryTrigger() > 0 && config.sentryBlock().toSeconds() > 0);
    assertTrue(!config.sentryRemind().isNegative());
    config.sentryIgnore().forEach(it -> CidrBlock.parse(it.toString()));
    assertEquals(config.sentryTcp(), PortSet.parse(config.sentryTcp().toString()));
    assertEquals(config.sentryUdp(), PortSet.parse(config.sentryUdp().toString()));
  }

  @FuzzTarget
  void ignore(byte[] bytes) throws ConfigException {
    Rules rules;
    try {
      rules = Rules.parse(FILE, bytes, Set::of);
    } catch (ConfigException e) {
      return;
    }
    String text = new String(bytes, StandardCharsets.UTF_8).replace("\n", "");
    for (Rule rule : rules.rules()) {
      byte[] commented = (rule.text() + " #" + text).getBytes(StandardCharsets.UTF_8);
      List<Rule> again = Rules.parse(FILE, commented, Set::of).rules();
      assertEquals(1, again.size());
      assertEquals(rule.text(), again.get(0).text());
      assertEquals(covered(rule), covered(again.get(0)));
    }
  }

  private static List<SocketEntry> covered(Rule rule) {
    return SOCKETS.stream().filter(rule::matches).toList();
  }

  /** An escaped name matches only that name, apart from its stars. */
  @FuzzTarget
  void glob(byte[] bytes) {
    // The time is the product of both lengths.
    String text = new String(bytes, 0, Math.min(bytes.length, 1000), StandardCharsets.UTF_8);
    String[] halves = text.split("\n", 2);
    String name = halves[halves.length - 1];
    String quoted = TextEscaper.escape(name).replace("*", "\\x2a").replace("?", "\\x3f");
    assertTrue(new Glob(quoted).matches(name));
    assertEquals(name.equals(halves[0]), new Glob(quoted).matches(halves[0]));
    assertTrue(new Glob("**" + quoted + "**").matches(halves[0] + name + halves[0]));
    try {
      new Glob(halves[0]).matches(name);
    } catch (IllegalArgumentException e) {
      // an invalid escape
    }
  }

  @FuzzTarget
  void cidrBlock(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    Predicate<Endpoint> range;
    try {
      range = Rules.address(text, false);
    } catch (IllegalArgumentException e) {
      return;
    }
    assertEquals(text.equals("*"), range.test(NOWHERE));
  }
}
