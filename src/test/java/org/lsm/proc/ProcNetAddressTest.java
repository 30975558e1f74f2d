package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteOrder;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProcNetAddressTest {

  @ParameterizedTest
  @CsvSource({
    "0100007F, 127.0.0.1",
    "00000000, 0.0.0.0",
    "FFFFFFFF, 255.255.255.255",
    "0A01A8C0, 192.168.1.10",
    "0a01a8c0, 192.168.1.10"
  })
  void readsLittleEndianIpv4(String hex, String address) throws Exception {
    assertEquals(address, ProcNetAddress.ofWords(hex, 1, ByteOrder.LITTLE_ENDIAN));
  }

  @ParameterizedTest
  @CsvSource({"7F000001, 127.0.0.1", "C0A8010A, 192.168.1.10"})
  void readsBigEndianIpv4(String hex, String address) throws Exception {
    assertEquals(address, ProcNetAddress.ofWords(hex, 1, ByteOrder.BIG_ENDIAN));
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          # all zero, and one at either end
          00000000000000000000000000000000, ::
          00000000000000000000000000000001, ::1
          00010000000000000000000000000000, 1::
          # no leading zeros, lower case
          20010DB8000A0BCD0123ABCDEF000001, 2001:db8:a:bcd:123:abcd:ef00:1
          FE800000000000000A0027FFFE4E66A1, fe80::a00:27ff:fe4e:66a1
          # the longest run is the one compressed, the first on a tie
          20010DB8000000000001000000000000, 2001:db8:0:0:1::
          20010000000000010000000000000001, 2001:0:0:1::1
          20010DB8000000000001000000000001, 2001:db8::1:0:0:1
          # a single zero group is not compressed
          20010DB8000000010001000100010001, 2001:db8:0:1:1:1:1:1
          00000001000100010001000100010001, 0:1:1:1:1:1:1:1
          00010001000100010001000100010000, 1:1:1:1:1:1:1:0
          FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
          # v4-mapped stays IPv6 and shows its quad; what only resembles it does not
          00000000000000000000FFFF01020304, ::ffff:1.2.3.4
          00000000000000000000FFFF00000000, ::ffff:0.0.0.0
          00000000000000000000000001020304, ::102:304
          00000000000000010000FFFF01020304, ::1:0:ffff:102:304
          """)
  void writesIpv6AsRfc5952(String hex, String address) throws Exception {
    assertEquals(address, ProcNetAddress.ofWords(hex, 4, ByteOrder.BIG_ENDIAN));
  }

  @ParameterizedTest
  @CsvSource({
    "00000000000000000000000001000000, ::1",
    "0000000000000000FFFF000004030201, ::ffff:1.2.3.4",
    "B80D01200000000000000000EFCDAB89, 2001:db8::89ab:cdef"
  })
  void readsLittleEndianIpv6(String hex, String address) throws Exception {
    assertEquals(address, ProcNetAddress.ofWords(hex, 4, ByteOrder.LITTLE_ENDIAN));
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          0100007,                           1, not an address: '0100007'
          0100007F0,                         1, not an address: '0100007F0'
          '',                                1, not an address: ''
          0100007F,                          4, not an address: '0100007F'
          000000000000000000000000010000000, 4, not an address: '000000000000000000000000010000000'
          0100007G,                          1, not a number: '0100007G'
          -100007F,                          1, not a number: '-100007F'
          +100007F,                          1, not a number: '+100007F'
          000000000000000000000000 1000000,  4, not a number: ' 1000000'
          """)
  void rejectsMalformedWords(String hex, int words, String reason) {
    MalformedRowException e =
        assertThrows(
            MalformedRowException.class,
            () -> ProcNetAddress.ofWords(hex, words, ByteOrder.LITTLE_ENDIAN));
    assertEquals(reason, e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "192.0.2.7, 192.0.2.7",
    "0.0.0.0, 0.0.0.0",
    "0000:0000:0000:0000:0000:0000:0000:0000, ::",
    "2001:0db8:0000:0000:0000:0000:0000:0001, 2001:db8::1",
    "0000:0000:0000:0000:0000:ffff:0102:0304, ::ffff:1.2.3.4"
  })
  void writesSctpTextAsRfc5952(String text, String address) throws Exception {
    assertEquals(address, ProcNetAddress.ofText(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1.2.3", "1.2.3.4.5", "1.2.3.x", "::1", "2001:db8::1", "00000001"})
  void rejectsMalformedText(String text) {
    MalformedRowException e =
        assertThrows(MalformedRowException.class, () -> ProcNetAddress.ofText(text));
    assertEquals("not an address: '" + text + "'", e.getMessage());
  }

  @Test
  void usesAsciiDigitsInEveryLocale() throws Exception {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG"));
    try {
      assertEquals("127.0.0.1", ProcNetAddress.ofWords("0100007F", 1, ByteOrder.LITTLE_ENDIAN));
    } finally {
      Locale.setDefault(before);
    }
  }
}
