package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PluralTest {
  @ParameterizedTest
  @CsvSource({
    "0, socket, 0 sockets",
    "1, socket, 1 socket",
    "2, socket, 2 sockets",
    "1, process, 1 process",
    "2, process, 2 processes",
  })
  void counts(long number, String noun, String text) {
    assertEquals(text, Plural.count(number, noun));
  }
}
