package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeProc;

class GatewaysAndResolversTest {

  /** The gateways of fixture {@code routes}; IPv4 prints only the first of several next hops. */
  private static final SortedSet<String> GATEWAYS =
      set(
          "192.0.2.1,192.0.2.20,192.0.2.9,2001:db8::77,2001:db8::9,2001:db8::20,2001:db8::21,fe80::1");

  @TempDir Path folder;

  private static SortedSet<String> set(String list) {
    SortedSet<String> set = new TreeSet<>(Arrays.asList(list.split(",", -1)));
    set.remove("");
    return set;
  }

  /** The fixture also has routes to the link, to nowhere and to this host. */
  @Test
  void findsGateways() throws Exception {
    FakeProc proc = FakeProc.of("routes", folder);

    assertEquals(GATEWAYS, GatewaysAndResolvers.addresses(proc.path(), List.of()));
    proc.delete("net/ipv6_route");
    assertEquals(
        set("192.0.2.1,192.0.2.20,192.0.2.9"),
        GatewaysAndResolvers.addresses(proc.path(), List.of()));
    proc.delete("net/route");
    assertEquals(set(""), GatewaysAndResolvers.addresses(proc.path(), List.of()));
  }

  @Test
  void findsNeighbours() throws Exception {
    FakeProc proc = FakeProc.of("routes", folder);

    assertEquals(
        set("2001:db8::/64,fe80::/10,fe80::/64"), GatewaysAndResolvers.neighbours(proc.path()));
    String peer = "20010db8007700000000000000000005 80 " + "0".repeat(32) + " 00 ";
    String row = peer + "0".repeat(32) + " 00000400 00000001 00000000 00000001 wg0\n";
    proc.write(
        "net/ipv6_route",
        row + row.replace("0005 ", "0006 ").replace("00000001 wg0", "80200001 wg0"));
    assertEquals(set("2001:db8:77::5/128,fe80::/10"), GatewaysAndResolvers.neighbours(proc.path()));
    proc.delete("net/ipv6_route");
    assertEquals(set("fe80::/10"), GatewaysAndResolvers.neighbours(proc.path()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "\t\t\t",
        "eth0",
        "eth0\t00000000",
        "eth0\t00000000\t",
        "eth0\t00000000\t0100000",
        "eth0\t00000000\t010000000",
        "eth0\t00000000\t0100000G",
        "eth0\t00000000\t-1000000",
        "eth0 00000000 \u0663\u0663\u0663\u0663\u0663\u0663\u0663\u0663",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00"
            + " fe8000000000000000000000000000000",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00"
            + " fe80000000000000000000000000000g 0",
        "\0\0\r\0\u00ff"
      })
  void skipsMalformedRoutes(String row) throws Exception {
    FakeProc proc = FakeProc.of("routes", folder);
    for (String table : List.of("net/route", "net/ipv6_route")) {
      String rows = Files.readString(proc.path().resolve(table));
      proc.write(table, row + "\n" + rows + row + "\n");
    }

    assertEquals(GATEWAYS, GatewaysAndResolvers.addresses(proc.path(), List.of()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          nameserver 192.0.2.53                    | 192.0.2.53
          nameserver 192.0.2.53+nameserver ::1     | 192.0.2.53,::1
          nameserver 127.0.0.53+options edns0 trust-ad+search example.org | 127.0.0.53
          nameserver  192.0.2.53 # of the office   | 192.0.2.53
          ~  nameserver 192.0.2.53  ~              | 192.0.2.53
          nameserver 2001:DB8::53                  | 2001:DB8::53
          nameserver fe80::1%eth0                  | fe80::1
          nameserver fe80::1%eth0.5 x              | fe80::1
          nameserver ::ffff:192.0.2.53             | ::ffff:192.0.2.53
          # nameserver 192.0.2.53                  | ~~
          ;nameserver 192.0.2.53                   | ~~
          nameserver                               | ~~
          nameserver dns.example.org               | ~~
          nameserver 192.0.2.53;192.0.2.54         | ~~
          nameservers 192.0.2.53                   | ~~
          nameserver192.0.2.53                     | ~~
          search nameserver 192.0.2.53             | ~~
          """)
  void readsResolvConf(String text, String addresses) throws IOException {
    Path file = folder.resolve("resolv.conf");
    for (String line : List.of("\n", "\r\n")) {
      Files.writeString(file, "# by hand" + line + text.replace("+", line) + line);
      assertEquals(set(addresses), GatewaysAndResolvers.addresses(folder, List.of(file)));
    }
    Files.writeString(file, text.replace('+', '\n'));
    assertEquals(
        set(addresses), GatewaysAndResolvers.addresses(folder, List.of(file)), "no line end");
  }

  /** For instance, systemd-resolved has a file of its own. */
  @Test
  void readsSeveralFilesAndSkipsMissingOnes() throws Exception {
    Path one = Files.writeString(folder.resolve("one"), "nameserver 127.0.0.53\n");
    Path two = Files.writeString(folder.resolve("two"), "nameserver 192.0.2.53\n");
    Path rubbish = folder.resolve("rubbish");
    Files.write(rubbish, "\0\udcff\nnameserver ::1\n\u0085".getBytes(StandardCharsets.ISO_8859_1));
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("missing"));
    FakeProc proc = FakeProc.of("routes", folder);

    SortedSet<String> expected = set("127.0.0.53,192.0.2.53,::1");
    expected.addAll(GATEWAYS);
    assertEquals(
        expected,
        GatewaysAndResolvers.addresses(proc.path(), List.of(one, folder, link, two, rubbish)));
  }
}
