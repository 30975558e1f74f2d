package org.lsm.config;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/** A block of IP addresses (RFC 4632), or a single address. */
public final class CidrBlock {

  private static final String OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";

  /** Strict, because InetAddress resolves whatever it does not take for an address. */
  private static final Pattern ADDRESS =
      Pattern.compile(OCTET + "(\\." + OCTET + "){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*");

  private static final int IPV4_BYTES = 4;

  private final byte[] network;
  private final int prefix;

  private CidrBlock(byte[] network, int prefix) {
    this.network = network;
    this.prefix = prefix;
  }

  /**
   * Parses an address or a block like {@code 10.0.0.0/8}; IPv6 addresses have no brackets.
   *
   * @throws IllegalArgumentException if it is neither
   */
  public static CidrBlock parse(String text) {
    String[] parts = text.split("/", -1);
    byte[] network = bytes(parts[0]);
    int bits = network.length * 8;
    int prefix = bits;
    if (parts.length > 1) {
      prefix = parts[1].matches("\\d{1,3}") ? Integer.parseInt(parts[1]) : Integer.MAX_VALUE;
      boolean mapped = parts[0].indexOf(':') >= 0 && network.length == IPV4_BYTES;
      prefix = mapped ? Math.max(0, prefix - 96) : prefix;
    }
    if (parts.length > 2 || prefix > bits) {
      throw new IllegalArgumentException("'" + text + "' is not an address block (CIDR)");
    }
    return new CidrBlock(network, prefix);
  }

  /** The bytes of a literal address; those of an IPv4-mapped one are those of the IPv4 address. */
  private static byte[] bytes(String literal) {
    try {
      if (ADDRESS.matcher(literal).matches()) {
        return InetAddress.getByName(literal).getAddress();
      }
    } catch (UnknownHostException e) {
      // reported below
    }
    throw new IllegalArgumentException("'" + literal + "' is not an IP address");
  }

  public boolean isIpv6() {
    return network.length > IPV4_BYTES;
  }

  public boolean isSingleAddress() {
    return prefix == network.length * 8;
  }

  /** The address, or the block with its prefix: {@code 10.0.0.0/8}. */
  @Override
  public String toString() {
    try {
      String address = InetAddress.getByAddress(network).getHostAddress();
      return isSingleAddress() ? address : address + "/" + prefix;
    } catch (UnknownHostException e) {
      throw new IllegalStateException("not 4 or 16 bytes", e);
    }
  }

  /** Whether this block has an address; false if the text is not an IP address. */
  public boolean contains(String literal) {
    byte[] address;
    try {
      address = bytes(literal);
    } catch (IllegalArgumentException e) {
      return false; // possible in a snapshot that was edited by hand
    }
    int whole = prefix / 8;
    int mask = 0xFF00 >> (prefix % 8);
    return address.length == network.length
        && Arrays.equals(address, 0, whole, network, 0, whole)
        && (prefix % 8 == 0 || ((address[whole] ^ network[whole]) & mask) == 0);
  }
}
