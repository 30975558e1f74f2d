package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

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
