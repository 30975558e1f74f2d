package org.lsm.config;

import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Collection;
import java.util.List;
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
    String address = network.getHostAddress();
    return isSingleAddress() ? address : address.replaceFirst("(:0)+$", "::") + "/" + prefix;
  }

  /**
   * What counts as one host: for an IPv6 address its network of 64 bits, whose addresses a host may
   * change as it likes (RFC 8981), unless it is a neighbour in one of these networks.
   */
  public CidrBlock host(Collection<CidrBlock> neighbours) {
    String address = network.getHostAddress();
    if (!isIpv6()
        || !isSingleAddress()
        || neighbours.stream().anyMatch(it -> it.contains(address))) {
      return this;
    }
    return parse(String.join(":", List.of(address.split(":", -1)).subList(0, 4)) + "::/64");
  }

  /** Whether this block has all of an address or block; false if the text is neither. */
  public boolean contains(String text) {
    try {
      CidrBlock other = parse(text);
      return isIpv6() == other.isIpv6()
          && prefix <= other.prefix
          && start(other.network).equals(start(network));
    } catch (IllegalArgumentException e) {
      return false; // possible in a snapshot that was edited by hand
    }
  }

  private BigInteger start(InetAddress address) {
    return new BigInteger(1, address.getAddress()).shiftRight(bits(address) - prefix);
  }
}
