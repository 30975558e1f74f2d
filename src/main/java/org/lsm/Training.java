package org.lsm;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.lsm.monitor.SystemEnvironment;

/**
 * Runs the command lines of standard input in one process, so that archive.sh can list the classes
 * that they load. What they print is dropped. With an argument it first opens sockets, which they
 * find.
 */
final class Training {
  private static final int PORT = 9;

  private Training() {}

  public static void main(String[] args) throws IOException {
    if (args.length > 0) {
      openSockets();
    }
    PrintWriter none =
        new PrintWriter(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    String lines = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    for (String line : lines.strip().split("\n", -1)) {
      Lsm.run(SystemEnvironment.real(), none, none, line.split(" ", -1));
    }
    Runtime.getRuntime().halt(0);
  }

  private static void openSockets() throws IOException {
    // As in /proc/net/unix a row may be part of the short name before it, lsm checks the second
    // one.
    for (String name : List.of("a", "b")) {
      SocketAddress unix = UnixDomainSocketAddress.of(name);
      ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(unix);
      SocketChannel.open(unix);
    }
    ServerSocketChannel.open().bind(new InetSocketAddress(PORT));
    SocketAddress tcp = new InetSocketAddress(InetAddress.getLoopbackAddress(), PORT);
    try {
      SocketChannel.open(tcp);
    } catch (IOException e) {
      // the loopback interface is down
    }
  }
}
