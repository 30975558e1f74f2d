package org.lsm.config;

import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/** A block of IP addresses (RFC 4632), or a single address; IPv4-mapped addresses are IPv4. */
public record CidrBlock(InetAddress network, int prefix) {
  private static final String OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";

  /** Strict, because InetAddress resolves whatever it does not take for an address. */
  private static final Pattern ADDRESS =
      Pattern.compile(OCTET + "(\\." + OCTET + "){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*");

  /** Parses an address, IPv6 without brackets, or a block; or throws IllegalArgumentException. */
  public static CidrBlock parse(String text) {
    String[] parts = text.split("/", -1);
    InetAddress network = address(parts[0]);
    int prefix = bits(network);
    if (parts.length > 1) {
      int mapped = parts[0].indexOf(':') >= 0 ? 128 - prefix : 0;
      prefix = parts[1].matches("\\d{1,3}") ? Integer.parseInt(parts[1]) : Integer.MAX_VALUE;
      prefix = Math.max(0, prefix - mapped);
    }
    if (parts.length > 2 || prefix > bits(network)) {
      throw new IllegalArgumentException("'" + text + "' is not an address block (CIDR)");
    }
    return new CidrBlock(network, prefix);
  }

  private static InetAddress address(String literal) {
    try {
      if (ADDRESS.matcher(literal).matches()) {
        return InetAddress.getByName(literal);
      }
    } catch (UnknownHostException e) {
      // reported below
    }
    throw new IllegalArgumentException("'" + literal + "' is not an IP address");
  }

  private static int bits(InetAddress address) {
    return address.getAddress().length * 8;
  }

  public boolean isIpv6() {
    return network instanceof Inet6Address;
  }

  public boolean isSingleAddress() {
    return prefix == bits(network);
  }

  /** The address, or the block with its prefix: {@code 10.0.0.0/8}. */
  @Override
  public String toString() {
    return network.getHostAddress() + (isSingleAddress() ? "" : "/" + prefix);
  }

  /** Whether this block has an address; false if the text is not an IP address. */
  public boolean contains(String literal) {
    try {
      InetAddress address = address(literal);
      return bits(address) == bits(network) && start(address).equals(start(network));
    } catch (IllegalArgumentException e) {
      return false; // possible in a snapshot that was edited by hand
    }
  }

  private BigInteger start(InetAddress address) {
    return new BigInteger(1, address.getAddress()).shiftRight(bits(address) - prefix);
  }
}
