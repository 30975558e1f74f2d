package org.lsm.proc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** IP addresses as the socket tables print them. */
final class ProcNetAddress {

  private static final int IPV6_GROUPS = 8;

  private ProcNetAddress() {}

  /**
   * An address out of a socket table: one (IPv4) or four (IPv6) words of 8 hex digits, each the
   * number that a big-endian word has in the machine's own order (proc_net_tcp.rst).
   *
   * @param words number of words the table has
   * @param order byte order of the machine that printed it
   */
  static String ofWords(String hex, int words, ByteOrder order) throws MalformedRowException {
    if (hex.length() != words * 8) {
      throw new MalformedRowException("no address: '" + hex + "'");
    }
    ByteBuffer bytes = ByteBuffer.allocate(words * 4).order(order);
    for (int i = 0; i < words; i++) {
      bytes.putInt((int) FieldReader.number(hex.substring(i * 8, i * 8 + 8), 16, 0xFFFF_FFFFL));
    }
    return words == 1 ? ipv4(bytes.array(), 0) : ipv6(bytes.array());
  }

  /** An address as sctp prints it: dotted quad, or eight groups without compression. */
  static String ofText(String text) throws MalformedRowException {
    if (text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
      return text;
    }
    if (!text.matches("[0-9a-f]{4}(:[0-9a-f]{4}){7}")) {
      throw new MalformedRowException("no address: '" + text + "'");
    }
    return ipv6(HexFormat.of().parseHex(text.replace(":", "")));
  }

  private static String ipv4(byte[] bytes, int from) {
    return (bytes[from] & 0xFF)
        + "."
        + (bytes[from + 1] & 0xFF)
        + "."
        + (bytes[from + 2] & 0xFF)
        + "."
        + (bytes[from + 3] & 0xFF);
  }

  /** The canonical text of RFC 5952; a v4-mapped address stays IPv6 and shows its quad. */
  private static String ipv6(byte[] bytes) {
    ByteBuffer words = ByteBuffer.wrap(bytes);
    if (words.getLong(0) == 0 && words.getInt(8) == 0xFFFF) {
      return "::ffff:" + ipv4(bytes, 12);
    }
    int[] groups = new int[IPV6_GROUPS];
    for (int i = 0; i < IPV6_GROUPS; i++) {
      groups[i] = words.getShort(i * 2) & 0xFFFF;
    }
    int start = 0;
    int length = 1;
    for (int i = 0; i < IPV6_GROUPS; i++) {
      int zeros = zeros(groups, i);
      if (zeros > length) {
        start = i;
        length = zeros;
      }
    }
    return length == 1
        ? join(groups, 0, IPV6_GROUPS)
        : join(groups, 0, start) + "::" + join(groups, start + length, IPV6_GROUPS);
  }

  /** How many zero groups in a row begin at {@code from}. */
  private static int zeros(int[] groups, int from) {
    int end = from;
    while (end < groups.length && groups[end] == 0) {
      end++;
    }
    return end - from;
  }

  private static String join(int[] groups, int from, int to) {
    StringBuilder out = new StringBuilder();
    for (int i = from; i < to; i++) {
      out.append(i == from ? "" : ":").append(Integer.toHexString(groups[i]));
    }
    return out.toString();
  }
}
