package org.lsm.alert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.Owner;
import org.lsm.model.OwnerLimit;
import org.lsm.model.ProcessDetails;
import org.lsm.model.ProcessRef;
import org.lsm.model.SocketDetails;
import org.lsm.model.SocketEntry;
import org.lsm.model.SocketOwners;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.SampleAlerts;

/** An alert has at most 1 MiB in each form, whatever the users of the host do. */
class AlertSizeTest {
  private static final int MAX = 1024 * 1024;
  private static final Endpoint OTHER = Endpoint.of("tcp", "0.0.0.0:4444");

  /** 300 sockets, each shared by 300 programs whose names are long when they are escaped. */
  @ParameterizedTest
  @ValueSource(strings = {"x", "'", "<", "監", "\\", "é=", "\udcff"})
  void isBounded(String text) {
    List<ProcessRef> processes =
        IntStream.rangeClosed(1, 300)
            .mapToObj(pid -> process(pid, new Owner("joe", "/" + text.repeat(600) + pid)))
            .toList();
    OwnerLimit limit = new OwnerLimit();
    List<SocketEntry> entries = new ArrayList<>();
    Map<Endpoint, SocketDetails> details = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      Endpoint endpoint = Endpoint.of("unix", "@" + text.repeat(40) + i);
      entries.add(SocketEntry.heldBy(endpoint, limit.apply(processes.subList(i / 2, 300), true)));
      details.put(endpoint, details(entries.get(i), text));
    }
    entries.add(
        SocketEntry.heldBy(
            OTHER, new SocketOwners(List.of(process(1, new Owner("www", "/bin/nc"))), true)));

    Alert alert = alert(entries, details);

    String both = String.join("\n", alert.text()) + String.join("\n", alert.html());
    assertSize(both, MAX / 2);
    assertSize(Json.print(alert.report()), MAX);
    assertSize(Json.line(alert.events()), MAX / 2);
    String all = String.join("\n", alert.text());
    assertTrue(all.contains("NEW      tcp/0.0.0.0:4444\n"), "another user's socket");
    assertTrue(all.contains(" more NEW\n"), all);
    assertTrue(alert.report().get("notes").toString().contains(" more differences: lsm history "));
    assertTrue(Json.print(alert.report()).contains("\"socket\": \"tcp/0.0.0.0:4444\""));
    assertEquals(301, alert.counts().added());
  }

  private static void assertSize(String text, int max) {
    int size = text.getBytes(StandardCharsets.UTF_8).length;
    assertTrue(size <= max, size + " bytes of " + max);
    assertTrue(size > max / 8, "only " + size + " bytes of " + max);
  }

  private static Alert alert(List<SocketEntry> added, Map<Endpoint, SocketDetails> details) {
    DiffReport report = SampleAlerts.report(added.toArray(SocketEntry[]::new));
    DiffReport complete =
        new DiffReport(
            report.before(),
            report.after(),
            report.diff(),
            details,
            List.of(),
            report.zone(),
            user -> user);
    return Alert.of(AlertType.DIFFERENCES, complete, "Alert");
  }

  private static ProcessRef process(int pid, Owner owner) {
    return new ProcessRef(pid, pid, Instant.EPOCH, owner);
  }

  private static SocketDetails details(SocketEntry entry, String text) {
    Set<Owner> owners = new HashSet<>();
    List<ProcessDetails> processes =
        entry.processes().stream()
            .filter(it -> owners.add(it.owner()))
            .map(
                it ->
                    new ProcessDetails(
                        it,
                        text.repeat(4096),
                        "/" + text.repeat(4000),
                        "",
                        entry.processes().subList(0, 16),
                        Set.of(Flag.WORLD_WRITABLE)))
            .toList();
    return new SocketDetails("", List.of(), processes, Set.of(), Optional.empty());
  }
}
