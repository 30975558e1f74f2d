package org.lsm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Runs lsm on a fake host with real channels: scripts and mail servers. */
abstract class ChannelTestBase extends CommandTestBase {

  /** Creates or replaces a program of the host. */
  protected Path script(String name, String... lines) throws IOException {
    Path script = directory.resolve(name);
    Files.writeString(script, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }

  /** The lines of a file that a script wrote; none if there is no file. */
  protected List<String> lines(String name) throws IOException {
    Path file = directory.resolve(name);
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  /** Opens a port that is not in the baseline. */
  protected void open(int port) {
    proc.tcp("0.0.0.0", port, port).process(port, 33, "/tmp/nc", 90, port);
  }

  /** The files of waiting alerts, the oldest first. */
  protected List<Path> outbox() throws IOException {
    return outbox("(?s).*\\.json");
  }

  /** The files of the outbox whose name matches. */
  protected List<Path> outbox(String regex) throws IOException {
    Pattern pattern = Pattern.compile(regex);
    try (Stream<Path> files = Files.list(state.resolve("outbox"))) {
      return files
          .filter(file -> pattern.matcher(file.getFileName().toString()).matches())
          .sorted()
          .toList();
    }
  }
}
