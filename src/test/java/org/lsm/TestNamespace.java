package org.lsm;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.lsm.InstalledLsm.Result;

/**
 * A network namespace with a name and a loopback interface, until it is closed. Sockets in it are
 * the test's alone, whatever else runs on the host. Needs root.
 */
record TestNamespace(String name) implements AutoCloseable {

  /** Makes a namespace whose name ends in this word; the rest of the name is unique. */
  static TestNamespace create(String word) throws IOException {
    String name = "lsm-it-" + ProcessHandle.current().pid() + "-" + word;
    ip("netns", "add", name);
    TestNamespace namespace = new TestNamespace(name);
    ip("-n", name, "link", "set", "lo", "up");
    return namespace;
  }

  /** The command that runs another one in this namespace, as the same process. */
  List<String> command(List<String> inside) {
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c"));
    command.add("PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ip netns exec \"$0\" \"$@\"");
    command.add(name);
    command.addAll(inside);
    return command;
  }

  /** Runs a command in this namespace to its end. */
  Result run(List<String> inside) throws IOException, InterruptedException {
    return InstalledLsm.run(command(inside));
  }

  /** Opens sockets in this namespace, as sockets.pl takes them. */
  OpenSockets open(String... endpoints) throws IOException {
    return OpenSockets.start(command(OpenSockets.command(OpenSockets.PERL, endpoints)));
  }

  @Override
  public void close() throws IOException {
    ip("netns", "delete", name);
  }

  private static void ip(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c"));
    command.add("PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ip \"$@\"");
    command.add("ip");
    command.addAll(List.of(arguments));
    Result result = runToEnd(command);
    if (result.exitCode() != 0) {
      throw new IOException("ip " + String.join(" ", arguments) + ": " + result.err());
    }
  }

  private static Result runToEnd(List<String> command) throws IOException {
    try {
      return InstalledLsm.run(command);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
