package org.lsm;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.lsm.monitor.SystemEnvironment;
import org.lsm.proc.SocketScanner.Sources;

/**
 * A fake host with huge tables, and a program that runs lsm on it, for tests with little memory and
 * for {@code src/bench/memory}.
 */
public final class HugeHost {

  /** The rows of a huge table. */
  public enum Rows {
    /** Connections of a listener. */
    TCP_CONNECTIONS("tcp") {
      @Override
      String row(int i) {
        return inet("0100007F:0016", word(i) + ":0050", "01", i);
      }
    },
    /** Connected stream sockets, which have the path of their listener. */
    UNIX_CONNECTIONS("unix") {
      @Override
      String row(int i) {
        return unix("00000000", "03", i, "/run/app.sock");
      }
    },
    /** Listening stream sockets. */
    UNIX_LISTENERS("unix") {
      @Override
      String row(int i) {
        return unix("00010000", "01", i, "@flood-" + i);
      }
    },
    /** Unconnected sockets. */
    UDP("udp") {
      @Override
      String row(int i) {
        return inet(
            word(i / 20_000) + String.format(":%04X", 1 + i % 20_000), "00000000:0000", "07", i);
      }
    };

    private final String table;

    Rows(String table) {
      this.table = table;
    }

    abstract String row(int i);

    private static String word(int i) {
      return String.format(Locale.ROOT, "%08X", Integer.reverseBytes(0x7F000001 + i));
    }

    private static String inet(String local, String remote, String state, int i) {
      String row =
          String.format(
              Locale.ROOT,
              "%4d: %s %s %s 00000000:00000000 00:00000000 00000000  1000        0 %d 1",
              i,
              local,
              remote,
              state,
              1_000_000 + i);
      return String.format("%-149s", row);
    }

    private static String unix(String flags, String state, int i, String path) {
      return String.format(
          Locale.ROOT,
          "0000000000000000: 00000002 00000000 %s 0001 %s %5d %s",
          flags,
          state,
          1_000_000 + i,
          path);
    }
  }

  private HugeHost() {}

  /**
   * Creates a host in a directory, or resets its tables, with a socket of each of two processes and
   * with TCP listeners on these ports.
   */
  public static void make(Path directory, int... ports) throws IOException {
    FakeProc proc =
        FakeProc.bare(directory.resolve("proc"))
            .tcp("127.0.0.1", 22, 101)
            .unix("/run/app.sock", 102)
            .process(700, 0, "/usr/sbin/sshd", 10, 101)
            .process(701, 101, "/usr/bin/app", 11, 102);
    for (int port : ports) {
      proc.tcp("0.0.0.0", port, port);
    }
    Files.writeString(directory.resolve("passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    Files.writeString(
        directory.resolve("conf.lsm"),
        String.join(
            "\n",
            "MAILER=\"none\"",
            "SYSLOG=\"no\"",
            "RUN_CMD=\"echo $LSM_SUMMARY >>" + directory + "/alerts\"",
            "STATE_DIR=\"" + directory.resolve("state") + "\""));
  }

  /** Adds rows to a table of a host. */
  public static void add(Path directory, Rows rows, int count) throws IOException {
    try (BufferedWriter out =
        Files.newBufferedWriter(
            directory.resolve("proc/net").resolve(rows.table),
            StandardCharsets.ISO_8859_1,
            StandardOpenOption.APPEND)) {
      for (int i = 0; i < count; i++) {
        out.write(rows.row(i));
        out.write('\n');
      }
    }
  }

  /**
   * {@code make DIRECTORY}, {@code add DIRECTORY ROWS COUNT}, or {@code DIRECTORY ARGUMENT...} to
   * run lsm there.
   */
  public static void main(String[] args) throws IOException {
    switch (args[0]) {
      case "make" -> make(Path.of(args[1]));
      case "add" -> add(Path.of(args[1]), Rows.valueOf(args[2]), Integer.parseInt(args[3]));
      default ->
          Runtime.getRuntime()
              .halt(run(Path.of(args[0]), Arrays.copyOfRange(args, 1, args.length)));
    }
  }

  private static int run(Path directory, String... args) {
    SystemEnvironment real = SystemEnvironment.real();
    SystemEnvironment host =
        new SystemEnvironment(
            new Sources(
                directory.resolve("proc"),
                directory.resolve("passwd"),
                directory.resolve("services"),
                directory.resolve("netns"),
                directory.resolve("root")),
            directory.resolve("login.defs"),
            real.mail(),
            real.logger(),
            real.getent(),
            real.nft(),
            real.ss(),
            List.of(),
            List.of(),
            List.of(),
            real.cronGenerator(),
            Optional.empty(),
            Clock.systemUTC(),
            real.scanTimeout(),
            real.factsTimeout(),
            () -> ZoneOffset.UTC,
            Map.of("LSM_CONF", directory.resolve("conf.lsm").toString()));
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    return Lsm.run(host, out, err, args);
  }
}
