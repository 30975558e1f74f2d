package org.lsm.proc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** Converts IP addresses of the socket tables to the text of RFC 5952. */
final class ProcNetAddress {
  private static final int GROUPS = 8;

  private ProcNetAddress() {}

  /**
   * Converts 1 (IPv4) or 4 words of 8 hexadecimal digits, each of which is a word of the address in
   * network byte order, printed as a number of the machine's byte order (proc_net_tcp.rst).
   */
  static String ofWords(String hex, int words, ByteOrder order) throws MalformedRowException {
    if (hex.length() != words * 8) {
      throw new MalformedRowException("not an address: '" + hex + "'");
    }
    ByteBuffer bytes = ByteBuffer.allocate(words * 4).order(order);
    for (int i = 0; i < words; i++) {
      bytes.putInt((int) FieldReader.number(hex.substring(i * 8, i * 8 + 8), 16, 0xFFFF_FFFFL));
    }
    bytes.order(ByteOrder.BIG_ENDIAN);
    return words == 1 ? ipv4(bytes.getInt(0)) : ipv6(bytes);
  }

  /** Converts an address as sctp prints it: dotted quad, or eight groups without compression. */
  static String ofText(String text) throws MalformedRowException {
    if (text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
      return text;
    }
    if (!text.matches("[0-9a-f]{4}(:[0-9a-f]{4}){7}")) {
      throw new MalformedRowException("not an address: '" + text + "'");
    }
    return ofHex(text.replace(":", ""));
  }

  /** Converts the 32 hexadecimal digits of an IPv6 address as if_inet6 prints it. */
  static String ofHex(String digits) throws MalformedRowException {
    if (!digits.matches("[0-9a-f]{32}")) {
      throw new MalformedRowException("not an address: '" + digits + "'");
    }
    return ipv6(ByteBuffer.wrap(HexFormat.of().parseHex(digits)));
  }

  private static String ipv4(int it) {
    return (it >>> 24) + "." + ((it >> 16) & 0xFF) + "." + ((it >> 8) & 0xFF) + "." + (it & 0xFF);
  }

  /** A v4-mapped address stays IPv6 and shows its dotted quad (RFC 5952, section 5). */
  private static String ipv6(ByteBuffer bytes) {
    if (bytes.getLong(0) == 0 && bytes.getInt(8) == 0xFFFF) {
      return "::ffff:" + ipv4(bytes.getInt(12));
    }
    int start = GROUPS; // of the longest run of zero groups, which :: stands for if it has several
    int length = 1;
    for (int i = 0, run = 0; i < GROUPS; i++) {
      run = bytes.getShort(2 * i) == 0 ? run + 1 : 0;
      if (run > length) {
        length = run;
        start = i + 1 - run;
      }
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < GROUPS; i++) {
      if (i < start || i >= start + length) {
        out.append(i == 0 || i == start + length ? "" : ":");
        out.append(Integer.toHexString(bytes.getShort(2 * i) & 0xFFFF));
      } else if (i == start) {
        out.append("::");
      }
    }
    return out.toString();
  }
}
