package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;

/** Which sockets seem to be out of reach by rules that nft 1.0.6 has printed. */
class PacketFilterTest {

  @ParameterizedTest
  @CsvSource({
    "filter-drop,   tcp,  0.0.0.0:4444, true",
    "filter-drop,   tcp6, [::]:4444,    true",
    "filter-drop,   tcp,  0.0.0.0:22,   false",
    "filter-drop,   tcp,  0.0.0.0:79,   true",
    "filter-drop,   tcp,  0.0.0.0:80,   false",
    "filter-drop,   tcp,  0.0.0.0:90,   false",
    "filter-drop,   tcp,  0.0.0.0:91,   true",
    "filter-drop,   tcp,  0.0.0.0:3306, false", // some addresses may
    "filter-drop,   tcp,  0.0.0.0:53,   true",
    "filter-drop,   udp,  0.0.0.0:53,   false",
    "filter-drop,   udp,  0.0.0.0:22,   true",
    "filter-drop,   tcp,  0.0.0.0:99,   false", // by a chain of its own
    "filter-accept, tcp,  0.0.0.0:4444, false",
    "filter-accept, tcp,  0.0.0.0:23,   true",
    "filter-accept, udp,  0.0.0.0:23,   true",
    "filter-accept, udp,  0.0.0.0:101,  false",
    "filter-accept, tcp,  0.0.0.0:25,   false", // for some addresses only
    "filter-ip,     tcp,  0.0.0.0:4444, true",
    "filter-ip,     tcp,  0.0.0.0:22,   false",
    "filter-ip,     tcp6, [fd00::1]:9,  false",
    "filter-ip,     tcp6, [::]:9,       false", // IPv6 passes
  })
  void estimatesReach(String ruleset, String table, String local, boolean dropped)
      throws IOException {
    try (var json = PacketFilter.class.getResourceAsStream(ruleset + ".json")) {
      String text = new String(json.readAllBytes(), StandardCharsets.UTF_8);
      PacketFilter filter = PacketFilter.parse(text);
      assertEquals(dropped, filter.seemsToDrop(Endpoint.of(table, local)));
    }
  }

  /** What an old nft prints, or one without privileges; and rules of another form. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Operation not permitted",
        "{\"nftables\": 7}",
        "{\"nftables\": [{\"chain\": {\"family\": \"inet\", \"hook\": \"input\", \"policy\": \"drop\"}},"
            + " {\"rule\": {\"family\": \"inet\", \"expr\": [{\"xt\": null}]}}]}",
        "{\"nftables\": [{\"chain\": {\"family\": \"inet\", \"hook\": \"input\", \"policy\": \"drop\"}},"
            + " {\"rule\": {\"family\": \"inet\", \"expr\": 5}}]}"
      })
  void saysNothingWithoutKnowing(String output) {
    assertFalse(PacketFilter.parse(output).seemsToDrop(Endpoint.of("tcp", "0.0.0.0:4444")));
  }
}
