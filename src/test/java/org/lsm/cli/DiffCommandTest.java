package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.lsm.Checksum;
import org.lsm.report.JsonTest;

/** Without a configuration. */
class DiffCommandTest extends CommandTestBase {

  private String before;
  private String after;

  @BeforeEach
  void takeSnapshots() throws IOException {
    lsm("generate");
    before = Files.copy(baseline, directory.resolve("before")).toString();
    proc.hostname("web2").tcp("127.0.0.1", 8080, 103).process(800, 33, "/fake/web", 90, 103);
    lsm("generate");
    after = Files.copy(baseline, directory.resolve("after")).toString();
  }

  @Test
  void comparesOldWithNew() {
    Result forth = run("diff", before, after);
    Result back = run("diff", after, before);

    assertEquals(1, forth.exitCode());
    assertEquals("", forth.err());
    assertEquals(
        """
        web2: NEW tcp/127.0.0.1:8080 web (www-data)

        NEW      tcp/127.0.0.1:8080
                 program    /fake/web
        """,
        String.join("\n", forth.out().lines().limit(4).toList()) + "\n");
    assertEquals(1, back.exitCode());
    assertEquals(
        """
        web1: GONE tcp/127.0.0.1:8080 web (www-data)

        GONE     tcp/127.0.0.1:8080
                 program    /fake/web
        """,
        String.join("\n", back.out().lines().limit(4).toList()) + "\n");
  }

  @Test
  void sameFileHasNoDifference() {
    assertEquals(0, run("diff", after, after).exitCode());
  }

  @Test
  void printsJson() {
    Result result = run("diff", "--format", "json", before, after);

    assertEquals(1, result.exitCode());
    assertEquals(1, JsonParser.parseString(result.out()).getAsJsonObject().get("new").getAsInt());
  }

  @Test
  void comparesHostsWithTheirMajority() throws IOException {
    String third = Files.copy(Path.of(after), directory.resolve("third")).toString();
    proc.hostname("web3").tcp("0.0.0.0", 4444, 104).process(801, 33, "/tmp/nc", 91, 104);
    lsm("generate");

    Result result = run("diff", before, after, third, baseline.toString());

    assertEquals("", result.err());
    assertEquals(
        """
        4 hosts: 1 NEW, 1 GONE

        NEW      tcp/0.0.0.0:4444
                 owner      /tmp/nc (www-data)
                 hosts      on 1 of 4: web3

        GONE     tcp/127.0.0.1:8080
                 owner      /fake/web (www-data)
                 hosts      on 3 of 4, not on web1
        """,
        result.out());
    assertEquals(1, result.exitCode());
    assertEquals(done("3 hosts: no difference\n"), run("diff", after, third, after));
  }

  @Test
  void namesSoManyDifferencesOfHostsAsAReport() throws IOException {
    String third = Files.copy(Path.of(after), directory.resolve("third")).toString();
    proc.hostname("web3");
    for (int i = 0; i < 300; i++) {
      proc.tcp("0.0.0.0", 20_000 + i, 2000 + i);
    }
    lsm("generate");

    String out = run("diff", before, after, third, baseline.toString()).out();

    assertTrue(out.startsWith("4 hosts: 300 NEW, 1 GONE\n"), out);
    assertEquals(200, out.lines().filter(it -> it.startsWith("NEW")).count());
    assertTrue(out.endsWith("and        100 more; --format json has all of them\n"), out);
  }

  @Test
  void hostsOfOneNameAreNamedByFile() throws IOException {
    String third = Files.copy(Path.of(before), directory.resolve("third\u202e b")).toString();

    String out = run("diff", before, third, after, after, after).out();

    String name = third.replace("\u202e b", "\\u{202e}\\x20b");
    // A name that is too long for the line is not broken.
    assertTrue(out.endsWith("3 of 5, not on " + before + "\n" + " ".repeat(20) + name + "\n"), out);
  }

  @Test
  void printsHostsAsJson() throws IOException {
    Result result = run("diff", "--format", "json", before, after, before);

    assertEquals(1, result.exitCode());
    JsonTest.assertValid("hosts", result.out());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    assertEquals(3, json.get("host_count").getAsInt());
    JsonObject difference = json.getAsJsonArray("differences").get(0).getAsJsonObject();
    assertEquals("NEW", difference.get("kind").getAsString());
    assertEquals("[]", difference.get("owners_before").toString());
    assertEquals("[\"web2\"]", difference.get("hosts").toString());
  }

  /** As many as the largest fleets have, of which each has sockets of its own. */
  @Test
  void comparesThousandHosts() throws IOException {
    List<String> command = new ArrayList<>(List.of("diff"));
    for (int host = 0; host < 1000; host++) {
      StringBuilder text = new StringBuilder("lsm-snapshot\t1\nhost\tweb" + host);
      text.append("\nkernel\t6.1.0\ntime\t2026-01-01T00:00:00Z\nlsm\t1.0.0\n");
      for (int port = 1; port <= 500; port++) {
        int alone = port % 100 == 0 ? 10_000 + host : port;
        text.append(
            "tcp\t127.0."
                + port / 250
                + "."
                + port % 250
                + ":"
                + alone
                + "\troot\t/usr/sbin/d"
                + port
                + "\t\n");
      }
      Path file = directory.resolve("host" + host);
      Files.writeString(file, Checksum.on(text.toString()));
      command.add(file.toString());
    }

    Result result = run(command.toArray(String[]::new));

    assertEquals("1000 hosts: 5000 NEW", result.out().lines().findFirst().orElseThrow());
    assertEquals(new Result(1, result.out(), ""), result);
  }

  @Test
  void namesUnreadableFile() throws IOException {
    Path missing = directory.resolve("missing");
    assertEquals(
        error(missing + ": no such file or directory"), run("diff", before, missing.toString()));
    Path rubbish = Files.writeString(directory.resolve("rubbish"), "rubbish\n");
    Result result = run("diff", rubbish.toString(), after);
    assertEquals(2, result.exitCode());
    assertEquals("lsm: " + rubbish + ": not an lsm-snapshot file", result.err().split(";", -1)[0]);
  }
}
