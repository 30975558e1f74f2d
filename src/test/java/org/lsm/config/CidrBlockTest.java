package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol;

/** Addresses and blocks, and rules on them. */
class CidrBlockTest {

  @ParameterizedTest
  @CsvSource({
    "*, 0.0.0.0, true",
    "*, fe80::1, true",
    "127.0.0.1, 127.0.0.1, true",
    "127.0.0.1, 127.0.0.2, false",
    "127.0.0.1, ::1, false",
    "0.0.0.0, 0.0.0.0, true",
    "0.0.0.0, 10.0.0.1, false",
    "0.0.0.0, ::, false",
    // blocks, at and beside the edges of bytes
    "0.0.0.0/0, 255.255.255.255, true",
    "0.0.0.0/0, ::1, false",
    "127.0.0.0/8, 127.255.255.255, true",
    "127.0.0.0/8, 128.0.0.0, false",
    "10.1.0.0/16, 10.1.255.1, true",
    "10.1.0.0/16, 10.2.0.1, false",
    "172.16.0.0/12, 172.31.255.255, true",
    "172.16.0.0/12, 172.32.0.0, false",
    "192.0.2.128/25, 192.0.2.128, true",
    "192.0.2.128/25, 192.0.2.127, false",
    "192.0.2.6/31, 192.0.2.7, true",
    "192.0.2.6/31, 192.0.2.8, false",
    "192.0.2.7/32, 192.0.2.7, true",
    "192.0.2.7/32, 192.0.2.6, false",
    "10.9.9.9/8, 10.0.0.1, true",
    // IPv6, with and without brackets, in any of its forms
    "::1, ::1, true",
    "[::1], ::1, true",
    "0:0:0:0:0:0:0:1, ::1, true",
    "::1, ::2, false",
    "[::], ::, true",
    "2001:DB8::1, 2001:db8::1, true",
    "fe80::/10, febf::1, true",
    "[fe80::]/10, fe80::1, true",
    "[fe80::]/10, fec0::1, false",
    "2001:db8::/33, 2001:db8:7fff::1, true",
    "2001:db8::/33, 2001:db8:8000::1, false",
    "::/0, fe80::1, true",
    "::/0, 127.0.0.1, false",
    "::1/128, ::1, true",
    // an IPv4-mapped address is that IPv4 address
    "127.0.0.1, ::ffff:127.0.0.1, true",
    "127.0.0.0/8, ::ffff:127.0.0.9, true",
    "127.0.0.0/8, ::ffff:128.0.0.9, false",
    "::ffff:127.0.0.1, 127.0.0.1, true",
    "[::ffff:127.0.0.1], ::ffff:127.0.0.1, true",
    "[::ffff:127.0.0.1], ::ffff:127.0.0.2, false",
    // possible in a snapshot that was edited by hand
    "0.0.0.0/0, localhost, false",
    "::/0, localhost:, false"
  })
  void comparesAddressesBitwise(String token, String address, boolean matches) {
    Protocol protocol = address.contains(":") ? Protocol.TCP6 : Protocol.TCP;
    assertEquals(
        matches, Rules.address(token, true).test(new Endpoint("", protocol, address, 22)), token);
  }

  @ParameterizedTest
  @CsvSource({
    "*, eth0, true",
    "*, *, true",
    "eth0, eth0, true",
    "eth0, eth1, false",
    "eth*, eth1, true",
    "eth?, eth10, false",
    "wlan*, eth0, false",
    "br-*, br-0a1b, true",
    "127.0.0.1, eth0, false",
    "0.0.0.0/0, eth0, false"
  })
  void comparesInterfacesByName(String token, String name, boolean matches) {
    assertEquals(
        matches, Rules.address(token, true).test(new Endpoint("", Protocol.PACKET, name, 3)));
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0, '127.0.0' is not an IP address",
    "1, '1' is not an IP address",
    "1.2.3.4.5, '1.2.3.4.5' is not an IP address",
    "256.0.0.1, '256.0.0.1' is not an IP address",
    "1.2.3.1000, '1.2.3.1000' is not an IP address",
    ":::, ':::' is not an IP address",
    // InetAddress would resolve it
    ".::1, '.::1' is not an IP address",
    "[1::2::3], '1::2::3' is not an IP address",
    "12345::, '12345::' is not an IP address",
    "10.0.0.0/33, '10.0.0.0/33' is not an address block (CIDR)",
    "10.0.0.0/, '10.0.0.0/' is not an address block (CIDR)",
    "10.0.0.0/8/8, '10.0.0.0/8/8' is not an address block (CIDR)",
    "10.0.0.0/-1, '10.0.0.0/-1' is not an address block (CIDR)",
    "10.0.0.0/255.0.0.0, '10.0.0.0/255.0.0.0' is not an address block (CIDR)",
    "[fe80::]/129, 'fe80::/129' is not an address block (CIDR)",
    "::/9999, '::/9999' is not an address block (CIDR)"
  })
  void refusesMalformedAddresses(String token, String message) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Rules.address(token, true));
    assertEquals(message, e.getMessage());
  }

  /**
   * What counts as one host beside the neighbours of fe80::/10, 2001:db8::/64 and 2001:db8:5::/80.
   */
  @ParameterizedTest
  @CsvSource({
    "192.0.2.7, 192.0.2.7",
    "::ffff:192.0.2.7, 192.0.2.7",
    "2001:db8:0:1:2:3:4:5, 2001:db8:0:1::/64",
    "2001:db8:0:1::, 2001:db8:0:1::/64",
    "2001:db8:0:1::/64, 2001:db8:0:1::/64",
    "2001:db8:0:1::/96, 2001:db8:0:1::/96",
    "2001:db8::/32, 2001:db8::/32",
    "2001:db8::5, 2001:db8:0:0:0:0:0:5",
    "2001:db8:5::7, 2001:db8:5:0:0:0:0:7",
    "2001:db8:5:0:1::7, 2001:db8:5::/64",
    "febf::1, febf:0:0:0:0:0:0:1",
    "fec0::1, fec0::/64"
  })
  void takesNetworkForHost(String text, String host) {
    List<CidrBlock> neighbours =
        Stream.of("fe80::/10", "2001:db8::/64", "2001:db8:5::/80").map(CidrBlock::parse).toList();

    assertEquals(host, CidrBlock.parse(text).host(neighbours).toString());
  }

  @ParameterizedTest
  @CsvSource({
    "2001:db8::/32, 2001:db8:1::/64, true",
    "2001:db8:1::/64, 2001:db8:1::/64, true",
    "2001:db8:1::/64, 2001:db8::/32, false",
    "2001:db8:1::/64, 2001:db8:2::/64, false",
    "::/0, 10.0.0.0/8, false",
    "::/0, ::/129, false"
  })
  void containsBlocks(String outer, String inner, boolean expected) {
    assertEquals(expected, CidrBlock.parse(outer).contains(inner));
  }

  /** The form that nft(8) reads; IPv4-mapped addresses are IPv4. */
  @ParameterizedTest
  @CsvSource({
    "192.0.2.7, 192.0.2.7, true, false",
    "192.0.2.7/32, 192.0.2.7, true, false",
    "10.9.9.9/8, 10.9.9.9/8, false, false",
    "0.0.0.0/0, 0.0.0.0/0, false, false",
    "::1, 0:0:0:0:0:0:0:1, true, true",
    "2001:DB8::/32, 2001:db8::/32, false, true",
    "::/0, 0::/0, false, true",
    "::ffff:192.0.2.7, 192.0.2.7, true, false",
    "::ffff:10.0.0.0/104, 10.0.0.0/8, false, false"
  })
  void printsAddressOrBlock(String text, String written, boolean single, boolean ipv6) {
    CidrBlock range = CidrBlock.parse(text);

    assertEquals(written, range.toString());
    assertEquals(single, range.isSingleAddress());
    assertEquals(ipv6, range.isIpv6());
    assertEquals(written, CidrBlock.parse(written).toString());
  }
}
