package org.lsm.sentry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lsm.channel.ExternalCommand;

/** A network namespace without a name, which ends with the process that holds it. Needs root. */
record TestNetns(Process holder) implements AutoCloseable {
  /** Creates one, or skips the test where that or nft is missing. */
  static TestNetns create() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may make namespaces");
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/nft")), "needs nft of nftables");
    Process made =
        new ProcessBuilder("/usr/bin/unshare", "--net", "/bin/sh", "-c", "echo ready; exec cat")
            .start();
    // Before that, commands would run in the namespace of the host.
    assertEquals("ready", made.inputReader().readLine());
    return new TestNetns(made);
  }

  long pid() {
    return holder.pid();
  }

  /** Runs a command in the namespace; returns its output. */
  String run(List<String> command, String input) throws IOException {
    List<String> all = new ArrayList<>(List.of("--net=/proc/" + pid() + "/ns/net"));
    all.addAll(command);
    Path nsenter = Path.of("/usr/bin/nsenter");
    return new ExternalCommand(nsenter, Duration.ofSeconds(30), 1 << 24)
        .run(all, input.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  void shell(String commands) throws IOException {
    run(List.of("/bin/sh", "-ec", commands), "");
  }

  String nft(List<String> arguments, String input) throws IOException {
    List<String> command = new ArrayList<>(List.of("/usr/sbin/nft"));
    command.addAll(arguments);
    return run(command, input);
  }

  @Override
  public void close() {
    holder.destroy();
  }
}
