package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Compares the listed sockets with those of ss(8), which come and go with other tests. */
@Isolated
class SsIT {

  private static final Path SS =
      Files.exists(Path.of("/usr/bin/ss")) ? Path.of("/usr/bin/ss") : Path.of("/bin/ss");
  private static final Pattern PID = Pattern.compile("pid=(\\d+)");

  @TempDir Path directory;

  @Test
  void listsWhatSsShows() throws Exception {
    assumeTrue(Files.isExecutable(SS), "needs ss of iproute2");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets of all kinds");
    InstalledLsm lsm =
        InstalledLsm.install(directory.resolve("local"), "MAILER=\"none\"\nSYSLOG=\"no\"\n");
    try (OpenSockets sockets =
        OpenSockets.open(
            "root",
            OpenSockets.PERL,
            "tcp/127.0.0.1:0",
            "tcp6/[::]:0",
            "udp/0.0.0.0:0",
            "udp6/[::1]:0",
            "unix-stream/@lsm-ss",
            "unix-seqpacket/" + directory.resolve("a.sock"),
            "unix-dgram/" + directory.resolve("b.sock"))) {
      Set<String> stable = ss();
      Map<String, Set<Long>> listed = pidsByEndpoint(lsm.run("list").out());
      // Compare only sockets that were open all the time.
      stable.retainAll(ss());
      Map<String, Set<Long>> shown = new HashMap<>();
      stable.forEach(row -> addRow(row, shown));
      assertEquals(
          7, sockets.endpoints().stream().filter(shown::containsKey).count(), "in " + shown);
      shown.forEach((endpoint, pids) -> assertEquals(pids, listed.get(endpoint), endpoint));
    } finally {
      lsm.purge();
    }
  }

  private static Set<String> ss() throws Exception {
    InstalledLsm.Result result = InstalledLsm.run(List.of(SS.toString(), "-lntupxwH"));
    assertEquals(0, result.exitCode(), result.err());
    assertFalse(result.out().isEmpty());
    // The columns are as wide as the longest row needs.
    return new TreeSet<>(result.out().lines().map(row -> row.replaceAll(" +", " ")).toList());
  }

  /** Netid State Recv-Q Send-Q Local:Port Peer:Port Process. */
  private static void addRow(String row, Map<String, Set<Long>> shown) {
    String[] columns = row.trim().split("\\s+", -1);
    String local = columns[4];
    boolean watched =
        switch (columns[0]) {
          case "u_str", "u_seq" -> columns[1].equals("LISTEN");
          case "u_dgr" -> !local.equals("*"); // one without a name is not watched
          default -> true;
        };
    if (watched) {
      Set<Long> pids = shown.computeIfAbsent(endpoint(columns[0], local), none -> new TreeSet<>());
      PID.matcher(row).results().map(SsIT::pid).forEach(pids::add);
    }
  }

  /** Names an endpoint as lsm does: ss prints {@code *} for {@code ::} and appends interfaces. */
  private static String endpoint(String netid, String local) {
    if (netid.startsWith("u_")) {
      return "unix/" + local;
    }
    int colon = local.lastIndexOf(':');
    String address = local.substring(0, colon).replaceFirst("%.*$", "");
    String port = local.substring(colon);
    address = address.equals("*") ? "[::]" : address;
    boolean v6 = address.startsWith("[");
    address = v6 && !address.endsWith("]") ? address + "]" : address;
    String table = netid.equals("tcp") || netid.equals("udp") ? netid : "raw";
    return table + (v6 ? "6/" : "/") + address + port;
  }

  private static Map<String, Set<Long>> pidsByEndpoint(String list) {
    Map<String, Set<Long>> pids = new HashMap<>();
    List<String> lines = new ArrayList<>(list.lines().skip(1).toList());
    for (String line : lines) {
      String[] columns = line.split(" {2,}", -1);
      Set<Long> of = pids.computeIfAbsent(columns[0], none -> new TreeSet<>());
      Pattern.compile("\\d+").matcher(columns[2]).results().map(SsIT::number).forEach(of::add);
    }
    return pids;
  }

  private static Long pid(MatchResult match) {
    return Long.valueOf(match.group(1));
  }

  private static Long number(MatchResult match) {
    return Long.valueOf(match.group());
  }
}
