package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServedPortTest {

  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  private static PortClient client(String address, int packets, int secondsAgo) {
    return new PortClient(address, packets, NOW.minusSeconds(secondsAgo), NOW.minusSeconds(1));
  }

  @ParameterizedTest
  @CsvSource({
    "TCP, tcp/0.0.0.0:4444, true",
    "TCP, tcp6/[::]:4444, true",
    "TCP, tcp/192.0.2.1:4444, true",
    "TCP, tcp/127.0.0.1:4444, false",
    "TCP, tcp6/[::1]:4444, false",
    "TCP, tcp/0.0.0.0:4445, false",
    "TCP, udp/0.0.0.0:4444, false",
    "TCP, web:tcp/0.0.0.0:4444, false",
    "TCP, sctp/0.0.0.0:4444, false",
    "UDP, udp6/[::]:4444, true",
    "UDP, udplite/0.0.0.0:4444, false",
    "UDP, raw/0.0.0.0:4444, false"
  })
  void mayBeSocket(Protocol protocol, String socket, boolean expected) {
    String[] parts = socket.split("/", 2);

    assertEquals(
        expected,
        new ServedPort(protocol, 4444, List.of(client("192.0.2.1", 1, 9)))
            .mayBe(Endpoint.of(parts[0], parts[1])));
  }

  @ParameterizedTest
  @CsvSource({
    "TCP, 192.0.2.1, tcp/0.0.0.0:4444",
    "TCP, 192.0.2.1 2001:db8::1, tcp/0.0.0.0:4444",
    "UDP, 2001:db8::1 2001:db8::2, udp6/[::]:4444"
  })
  void namesSocketByItsClients(Protocol protocol, String addresses, String name) {
    List<PortClient> clients =
        Stream.of(addresses.split(" ", -1)).map(it -> client(it, 1, 9)).toList();

    assertEquals(name, new ServedPort(protocol, 4444, clients).endpoint().toString());
  }

  @Test
  void keepsLaterClients() {
    PortClient old = new PortClient("192.0.2.1", 9, NOW.minusSeconds(90), NOW.minusSeconds(60));
    ServedPort port = new ServedPort(Protocol.TCP, 4444, List.of(client("::1", 1, 80), old));

    assertEquals(List.of(old, client("::1", 1, 80)), port.clients(), "the busiest first");
    assertEquals(
        List.of(client("::1", 1, 80)), port.after(NOW.minusSeconds(60)).orElseThrow().clients());
    assertEquals(true, port.after(NOW.minusSeconds(1)).isEmpty());
  }
}
