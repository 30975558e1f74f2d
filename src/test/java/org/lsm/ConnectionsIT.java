package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.lsm.report.JsonTest.assertValid;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.InstalledLsm.Result;

/**
 * Compares {@code lsm connections} with ss(8), lsof(8) and iperf3(1), in a namespace of its own.
 */
class ConnectionsIT {

  private static final Path SS = Path.of("/usr/bin/ss");
  private static final Path LSOF = Path.of("/usr/bin/lsof");
  private static final Path IPERF = Path.of("/usr/bin/iperf3");
  private static final Pattern PID = Pattern.compile("pid=(\\d+)");

  @TempDir static Path installed;
  @TempDir Path directory;

  private static InstalledLsm lsm;
  private TestNamespace namespace;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root can make namespaces");
    lsm = InstalledLsm.install(installed.resolve("local"), "MAILER=\"none\"\nSYSLOG=\"no\"\n");
  }

  @AfterAll
  static void purge() throws Exception {
    if (lsm != null) {
      lsm.purge();
    }
  }

  @BeforeEach
  void makeNamespace() throws Exception {
    namespace = TestNamespace.create("connections");
  }

  @AfterEach
  void deleteNamespace() throws Exception {
    if (namespace != null) {
      namespace.close();
    }
  }

  /** Every row, with the same processes. */
  @Test
  void listsWhatSsAndLsofShow() throws Exception {
    assumeTrue(Files.isExecutable(SS), "needs ss of iproute2");
    assumeTrue(Files.isExecutable(LSOF), "needs lsof");
    try (OpenSockets opened = open("a b", "c")) {
      Map<String, Set<Integer>> listed = listed();

      assertEquals(10, listed.size(), listed.toString());
      assertEquals(ss(), listed);
      listed.values().removeIf(Set::isEmpty); // lsof lists descriptors
      assertEquals(lsof(), listed);
      assertEquals(9, listed.size(), listed.toString());
      for (Set<Integer> pids : listed.values()) {
        assertEquals(3, pids.size(), listed.toString());
        assertTrue(pids.contains(pid(opened)), listed.toString());
      }
    }
  }

  /** ss prints the names of processes as they are, and the processes choose them. */
  @Test
  void isNotDeceivedByNames() throws Exception {
    Map<String, Set<Integer>> listed;
    List<String> pids;
    try (OpenSockets opened = open("\",pid=1,fd=3),(", "a\nESTAB 0 0 1:2", "(((\"\\ \u202e")) {
      listed = listed();
      pids = opened.endpoints();
    }
    listed.values().removeIf(Set::isEmpty);
    assertEquals(9, listed.size(), listed.toString());
    Set<Integer> expected = new TreeSet<>(pids.stream().map(Integer::valueOf).toList());
    assertEquals(4, expected.size());
    listed.forEach((ends, found) -> assertEquals(expected, found, ends));
  }

  @Test
  void measuresWhatIperfDoes() throws Exception {
    assumeTrue(Files.isExecutable(IPERF), "needs iperf3");
    File report = directory.resolve("iperf.json").toFile();
    Process server = start(ProcessBuilder.Redirect.PIPE, "-s", "-1", "--forceflush");
    Process client = null;
    try {
      BufferedReader out = server.inputReader(StandardCharsets.UTF_8);
      for (String line = out.readLine(); !line.contains("listening"); line = out.readLine()) {
        assertTrue(server.isAlive());
      }
      client =
          start(
              ProcessBuilder.Redirect.to(report),
              "-J",
              "-c",
              "127.0.0.1",
              "-t",
              "10",
              "-b",
              "200M");
      Thread.sleep(1500);
      JsonObject json = connections("--seconds", "4");
      assertTrue(client.waitFor(60, TimeUnit.SECONDS));
      JsonObject end = JsonParser.parseString(Files.readString(report.toPath())).getAsJsonObject();
      end = end.getAsJsonObject("end");
      assertRate(end.getAsJsonObject("sum_sent"), json, "out", "send_rate");
      assertRate(end.getAsJsonObject("sum_received"), json, "in", "receive_rate");
    } finally {
      server.destroy();
      if (client != null) {
        client.destroy();
      }
    }
  }

  private Process start(ProcessBuilder.Redirect out, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(IPERF.toString()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(namespace.command(command)).redirectOutput(out).start();
  }

  /** The busiest connection of a direction has the rate that iperf3 reports, within 10 %. */
  private static void assertRate(JsonObject sum, JsonObject json, String direction, String field) {
    double expected = sum.get("bits_per_second").getAsDouble() / 8;
    for (JsonElement it : json.getAsJsonArray("connections")) {
      JsonObject connection = it.getAsJsonObject();
      if (connection.get("direction").getAsString().equals(direction)) {
        double rate = connection.get(field).getAsDouble();
        System.out.printf("%s: %.0f of %.0f bytes/s%n", field, rate, expected);
        assertEquals(expected, rate, expected / 10, connection.toString());
        String program = connection.getAsJsonArray("owners").get(0).toString();
        assertTrue(program.contains("/iperf3\""), program);
        return;
      }
    }
    throw new AssertionError("no connection " + direction + " in " + json);
  }

  private OpenSockets open(String... names) throws Exception {
    List<String> command = new ArrayList<>(List.of(OpenSockets.PERL.toString()));
    command.add(OpenSockets.script("connections.pl"));
    command.addAll(List.of(names));
    return OpenSockets.start(namespace.command(command));
  }

  private static int pid(OpenSockets opened) {
    return Integer.parseInt(opened.endpoints().get(0));
  }

  private JsonObject connections(String... arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of("connections", "--format", "json"));
    all.addAll(List.of(arguments));
    Result result = namespace.run(lsm.command(all.toArray(String[]::new)));
    assertEquals(new Result(0, result.out(), ""), result);
    assertValid("connections", result.out());
    return JsonParser.parseString(result.out()).getAsJsonObject();
  }

  /** PIDs by both ends. */
  private Map<String, Set<Integer>> listed() throws Exception {
    Map<String, Set<Integer>> listed = new TreeMap<>();
    for (JsonElement it : connections("--seconds", "0").getAsJsonArray("connections")) {
      JsonObject json = it.getAsJsonObject();
      Set<Integer> pids = new TreeSet<>();
      for (JsonElement process : json.getAsJsonArray("processes")) {
        pids.add(process.getAsJsonObject().get("pid").getAsInt());
      }
      String local = json.get("address").getAsString() + ":" + json.get("port");
      String remote = json.get("remote_address").getAsString() + ":" + json.get("remote_port");
      listed.put(ends(local, remote), pids);
    }
    return listed;
  }

  private Map<String, Set<Integer>> ss() throws Exception {
    Map<String, Set<Integer>> shown = new TreeMap<>();
    for (String row : namespace.run(List.of(SS.toString(), "-tnpH")).out().split("\n", -1)) {
      String[] columns = row.split(" +", -1);
      if (columns.length > 4) {
        Set<Integer> pids = new TreeSet<>();
        PID.matcher(row).results().forEach(it -> pids.add(Integer.valueOf(it.group(1))));
        shown.put(ends(columns[3], columns[4]), pids);
      }
    }
    return shown;
  }

  private Map<String, Set<Integer>> lsof() throws Exception {
    Map<String, Set<Integer>> shown = new TreeMap<>();
    Pattern line = Pattern.compile("(?m)^\\S.*? (\\d+) +root .* TCP (\\S+)->(\\S+) \\(.*$");
    Matcher rows = line.matcher(namespace.run(List.of(LSOF.toString(), "-nPi")).out());
    while (rows.find()) {
      String ends = ends(rows.group(2), rows.group(3));
      shown.computeIfAbsent(ends, none -> new TreeSet<>()).add(Integer.valueOf(rows.group(1)));
    }
    return shown;
  }

  /** lsof prints a v4-mapped address as IPv4. */
  private static String ends(String local, String remote) {
    return (local + " " + remote).replaceAll("[\\[\\]]|::ffff:", "");
  }
}
