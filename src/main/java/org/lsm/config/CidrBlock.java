package org.lsm.config;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.lsm.model.Endpoint;
import org.lsm.model.Protocol.Family;

/** A block of IP addresses (CIDR), or the one that an address alone is. */
public final class CidrBlock {

  private static final Pattern LITERAL = Pattern.compile("[0-9.]+|[0-9a-fA-F.]*:[0-9a-fA-F:.]*");

  private static final String OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";

  /** Strictly: what InetAddress does not take for an address, it would look up as a name. */
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
   * What a rule says of addresses: {@code *}, an address, a CIDR block, IPv6 with or without
   * brackets, or a glob for the name of an interface.
   *
   * @param interfaces whether it may be the name of an interface
   * @throws IllegalArgumentException if it is none of these
   */
  static Predicate<Endpoint> matcher(String token, boolean interfaces) {
    if (token.equals("*")) {
      return endpoint -> true;
    }
    String text = token.replaceFirst("^\\[(.*)\\](/\\d+)?$", "$1$2");
    if (LITERAL.matcher(text.replaceFirst("/.*", "")).matches()) {
      CidrBlock range = parse(text);
      return endpoint ->
          endpoint.protocol().family() != Family.PACKET && range.contains(endpoint.address());
    }
    if (!interfaces) {
      throw new IllegalArgumentException(
          "'" + token + "' is no IP address; write an address, a block like 10.0.0.0/8, or *");
    }
    Glob glob = new Glob(token);
    return endpoint -> glob.matches(endpoint.address());
  }

  /**
   * An address or a block of them.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static CidrBlock parse(String text) {
    String[] parts = text.split("/", -1);
    byte[] network = bytes(parts[0]);
    int bits = network.length * 8;
    int prefix = parts.length == 1 ? bits : prefix(text, parts[1]);
    if (parts[0].indexOf(':') >= 0 && bits == 32 && parts.length > 1) {
      prefix = Math.max(0, prefix - 96); // of a v4-mapped block
    }
    if (parts.length > 2 || prefix > bits) {
      throw new IllegalArgumentException("'" + text + "' is no address block (CIDR)");
    }
    return new CidrBlock(network, prefix);
  }

  private static int prefix(String text, String digits) {
    if (!digits.matches("\\d{1,3}")) {
      throw new IllegalArgumentException("'" + text + "' is no address block (CIDR)");
    }
    return Integer.parseInt(digits);
  }

  /** The bytes of a literal address; a v4-mapped one counts as the IPv4 address it maps. */
  private static byte[] bytes(String literal) {
    if (!ADDRESS.matcher(literal).matches()) {
      throw new IllegalArgumentException("'" + literal + "' is no IP address");
    }
    try {
      // A literal is only parsed, never looked up.
      return InetAddress.getByName(literal).getAddress();
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("'" + literal + "' is no IP address", e);
    }
  }

  public boolean isIpv6() {
    return network.length > IPV4_BYTES;
  }

  /** Whether it is one address and no block. */
  public boolean isSingle() {
    return prefix == network.length * 8;
  }

  /** The address, or the block with its prefix: {@code 10.0.0.0/8}. */
  @Override
  public String toString() {
    try {
      String address = InetAddress.getByAddress(network).getHostAddress();
      return isSingle() ? address : address + "/" + prefix;
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 or 16 bytes are an address", e);
    }
  }

  /** Whether an address lies in it; what is no address lies nowhere. */
  public boolean contains(String literal) {
    byte[] address;
    try {
      address = bytes(literal);
    } catch (IllegalArgumentException e) {
      return false; // a snapshot that somebody has made by hand may have anything
    }
    int whole = prefix / 8;
    int mask = 0xFF00 >> (prefix % 8);
    return address.length == network.length
        && Arrays.equals(address, 0, whole, network, 0, whole)
        && (prefix % 8 == 0 || ((address[whole] ^ network[whole]) & mask) == 0);
  }
}
