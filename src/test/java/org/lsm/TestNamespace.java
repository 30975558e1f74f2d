package org.lsm;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.lsm.InstalledLsm.Result;

/**
 * A named network namespace with a loopback interface, deleted when closed. Only the test opens
 * sockets in it. Needs root.
 */
record TestNamespace(String name) implements AutoCloseable {

  /** Creates a namespace with a unique name that ends in this word. */
  static TestNamespace create(String word) throws IOException {
    String name = "lsm-it-" + ProcessHandle.current().pid() + "-" + word;
    ip("netns", "add", name);
    TestNamespace namespace = new TestNamespace(name);
    ip("-n", name, "link", "set", "lo", "up");
    return namespace;
  }

  /** Returns a command that executes another one in this namespace. */
  List<String> command(List<String> inside) {
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c"));
    command.add("PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ip netns exec \"$0\" \"$@\"");
    command.add(name);
    command.addAll(inside);
    return command;
  }

  /** Runs a command in this namespace and waits for it. */
  Result run(List<String> inside) throws IOException, InterruptedException {
    return InstalledLsm.run(command(inside));
  }

  /** Opens sockets in this namespace; sockets.pl defines the arguments. */
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
