package org.lsm.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sets of ports, as the configuration writes them and nft(8) takes them. */
class PortsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''            | ''          | 0
          ' , '         | ''          | 0
          22            | 22          | 1
          22-22         | 22          | 1
          0022          | 22          | 1
          80,22         | 22,80       | 2
          '22, 80\t443' | 22,80,443   | 3
          ',22,,80, '   | 22,80       | 2
          3,1,2         | 1-3         | 3
          1-2,3-4       | 1-4         | 4
          1-5,4-9,7     | 1-9         | 9
          1-3,5-7       | 1-3,5-7     | 6
          1-65535       | 1-65535     | 65535
          1,65535       | 1,65535     | 2
          63-65,127-129 | 63-65,127-129 | 6
          """)
  void whatIsReadIsWrittenInOrder(String text, String written, int count) {
    Ports ports = Ports.parse(text);

    assertEquals(written, ports.toString());
    assertEquals(count, ports.count());
    assertEquals(written, String.join(",", ports.ranges()));
    assertEquals(ports, Ports.parse(written));
    assertEquals(ports.hashCode(), Ports.parse(written).hashCode());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "0-9",
        "65536",
        "1-65536",
        "99999",
        "100000",
        "9-1",
        "1-",
        "-1",
        "1-2-3",
        "+1",
        "1.5",
        "0x16",
        "22;80",
        "ssh",
        "*",
        "\u0662\u0662"
      })
  void whatIsNoPortIsNamed(String word) {
    assertEquals(
        "has '" + word + "', which is no port or range of ports from 1 to 65535",
        assertThrows(IllegalArgumentException.class, () -> Ports.parse("22," + word)).getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          1-10  | ''     | 1-10
          1-10  | 2-3,10 | 1,4-9
          1-10  | 11-20  | 1-10
          1-10  | 1-99   | ''
          ''    | 1-10   | ''
          """)
  void othersAreTakenOutOfACopy(String text, String others, String rest) {
    Ports ports = Ports.parse(text);

    assertEquals(Ports.parse(rest), ports.without(Ports.parse(others)));
    assertEquals(Ports.parse(text), ports);
  }

  @Test
  void theyAreMadeOfNumbersAsWell() {
    assertEquals(Ports.parse("21-22,65535"), Ports.of(List.of(65535, 22, 21, 22)));
    assertNotEquals(Ports.parse("22"), Ports.of(List.of()));
  }
}
