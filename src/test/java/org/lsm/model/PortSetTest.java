package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PortSetTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''            | ''
          ' , '         | ''
          22            | 22
          22-22         | 22
          0022          | 22
          80,22         | 22,80
          '22, 80\t443' | 22,80,443
          ',22,,80, '   | 22,80
          3,1,2         | 1-3
          1-2,3-4       | 1-4
          1-5,4-9,7     | 1-9
          1-3,5-7       | 1-3,5-7
          1-65535       | 1-65535
          1,65535       | 1,65535
          63-65,127-129 | 63-65,127-129
          """)
  void parsesAndSorts(String text, String written) {
    PortSet ports = PortSet.parse(text);

    assertEquals(written, ports.toString());
    assertEquals(written, String.join(",", ports.ranges()));
    assertEquals(ports, PortSet.parse(written));
    assertEquals(ports.hashCode(), PortSet.parse(written).hashCode());
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
  void namesInvalidPorts(String word) {
    assertEquals(
        "has '" + word + "', which is not a port or range of ports from 1 to 65535",
        assertThrows(IllegalArgumentException.class, () -> PortSet.parse("22," + word))
            .getMessage());
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
  void removesOtherPorts(String text, String others, String rest) {
    PortSet ports = PortSet.parse(text);

    assertEquals(PortSet.parse(rest), ports.without(PortSet.parse(others)));
    assertEquals(PortSet.parse(text), ports);
  }

  @Test
  void isMadeFromNumbers() {
    assertEquals(PortSet.parse("21-22,65535"), PortSet.of(List.of(65535, 22, 21, 22)));
    assertNotEquals(PortSet.parse("22"), PortSet.of(List.of()));
  }
}
