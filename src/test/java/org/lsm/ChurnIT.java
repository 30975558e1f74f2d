package org.lsm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.InstalledLsm.Result;

/** A short variant of src/test/e2e/churn.test.sh. */
class ChurnIT {

  private static final int COMPARES = 20;
  private static final int FIRST_STEADY_PORT = 20000;

  @TempDir Path directory;

  @Test
  void neverReportsSteadySockets() throws Exception {
    assumeTrue(
        "root".equals(System.getProperty("user.name")),
        "only root can create a network namespace for the test");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    InstalledLsm lsm =
        InstalledLsm.install(directory.resolve("local"), "MAILER=\"none\"\nSYSLOG=\"no\"\n");
    try (TestNamespace namespace = TestNamespace.create("churn");
        OpenSockets steady = namespace.open(steadyEndpoints())) {
      Process churn = new ProcessBuilder(namespace.command(churner())).start();
      try (BufferedReader out =
          new BufferedReader(new InputStreamReader(churn.getInputStream(), UTF_8))) {
        assertEquals("ready", out.readLine());
        assertEquals(0, namespace.run(lsm.command("-g")).exitCode());
        for (int i = 0; i < COMPARES; i++) {
          Result result = namespace.run(lsm.command("compare", "--no-alert", "--format", "json"));
          assertEquals(1, result.exitCode(), "other sockets came and went: " + result.err());
          assertEquals(List.of(), falseReports(result, steady.endpoints()));
        }
        churn.getOutputStream().close();
        String rate = out.readLine();
        assertTrue(rate.matches("opened \\d+ seconds \\S+ rate \\d{4,}"), rate);
      } finally {
        churn.destroy();
        churn.waitFor();
      }
    } finally {
      lsm.purge();
    }
  }

  private static String[] steadyEndpoints() {
    return IntStream.range(FIRST_STEADY_PORT, FIRST_STEADY_PORT + 100)
        .boxed()
        .flatMap(
            port ->
                Stream.of(
                    "tcp/127.0.0.1:" + port,
                    "udp/127.0.0.1:" + port,
                    "unix-stream/@steady-" + port))
        .toArray(String[]::new);
  }

  /** Opens 1,500 sockets a second, 30 at a time, on ports below and above the steady ones. */
  private static List<String> churner() throws IOException {
    return List.of(
        OpenSockets.PERL.toString(),
        OpenSockets.script("churn.pl"),
        "1500",
        "30",
        "10000-19999",
        "21000-29999");
  }

  /** Returns the reported differences of sockets that were open all the time. */
  private static List<String> falseReports(Result result, List<String> steady) {
    JsonObject report = JsonParser.parseString(result.out()).getAsJsonObject();
    List<String> reports = new ArrayList<>();
    for (JsonElement element : report.getAsJsonArray("differences")) {
      JsonObject difference = element.getAsJsonObject();
      String socket = difference.get("socket").getAsString();
      if (steady.contains(socket)) {
        reports.add(difference.get("kind").getAsString() + " " + socket);
      }
    }
    return reports;
  }
}
