package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.Connection.Traffic;

/** The rates of connections. */
class ConnectionTest {

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "0,     0,   2000, 4000, 2000, 1000, 2000, 3000",
        "1000,  10,  1000, 10,   2000, 0,    0,    0",
        "1000,  10,  3000, 10,   1500, 1333, 0,    1333",
        "10,    10,  9,    9,    2000, 0,    0,    0",
        "-,     -,   9,    9,    2000, -,    -,    -",
        "9,     9,   -,    -,    2000, -,    -,    -",
        "0,     0,   5,    0,    0,    5000, 0,    5000",
        "0, 0, 9000000000000000, 0, 2000, 4500000000000000, 0, 4500000000000000",
      })
  void dividesByTime(
      Long sentBefore,
      Long receivedBefore,
      Long sent,
      Long received,
      long millis,
      Long sendRate,
      Long receiveRate,
      Long rate) {
    Traffic before = new Traffic(sentBefore, receivedBefore, null, null);
    Traffic now = new Traffic(sent, received, null, null);

    Traffic traffic = now.since(before, Duration.ofMillis(millis));

    assertEquals(new Traffic(sent, received, sendRate, receiveRate), traffic);
    assertEquals(rate, traffic.rate());
  }
}
