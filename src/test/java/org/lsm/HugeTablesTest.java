package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.HugeHost.Rows;

/** Rows that are not watched do not take memory. */
class HugeTablesTest {

  private static final int ROWS = 1_000_000;

  @TempDir private Path host;

  @Test
  void readsMillionsOfConnectionsIn64MiB() throws Exception {
    HugeHost.make(host);
    assertEquals(0, lsm("generate"));
    HugeHost.add(host, Rows.TCP_CONNECTIONS, ROWS);
    HugeHost.add(host, Rows.UNIX_CONNECTIONS, ROWS);
    assertEquals(0, lsm("compare", "--quiet"));

    // The details of a new listener contain its peers, so lsm reads all connections.
    HugeHost.make(host, 4444);
    HugeHost.add(host, Rows.TCP_CONNECTIONS, ROWS);
    assertEquals(1, lsm("compare", "--quiet"));
    assertEquals(
        List.of("web1: NEW tcp/0.0.0.0:4444 no visible process"),
        Files.readAllLines(host.resolve("alerts")));
  }

  /** Runs lsm in a process with less memory than the tables take; returns the exit status. */
  private int lsm(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/java");
    command.addAll(
        List.of("-Xmx64m", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(HugeHost.class.getName(), host.toString()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectOutput(Redirect.DISCARD)
        .redirectError(Redirect.INHERIT)
        .start()
        .waitFor();
  }
}
