package org.lsm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** lsm as {@code install.sh} installs it, in a directory of its own. */
record InstalledLsm(Path prefix) {

  /** The output of a program and its exit code. */
  record Result(int exitCode, String out, String err) {

    /** The lines about one endpoint, up to the next empty line: the block of its program. */
    String details(String endpoint) {
      for (String paragraph : out.split("\n\n", -1)) {
        if (paragraph.matches("(?s)(NEW|CHANGED|GONE) .*")
            && paragraph.lines().anyMatch(line -> names(line, endpoint))) {
          return paragraph;
        }
      }
      return "";
    }

    /** Whether a line is a title or part of the list of further names, and names this socket. */
    private static boolean names(String line, String endpoint) {
      if (line.matches("(NEW|CHANGED|GONE) .*")) {
        // The name of a service may follow.
        String name = line.substring("CHANGED  ".length()).replaceFirst("^\\[high] ", "");
        return (name + "  (").startsWith(endpoint + "  (");
      }
      return line.matches(" {9}(also)? +" + Pattern.quote(endpoint.replace(" ", "\\x20")));
    }

    /** Those lines without the line breaks that make them fit the terminal. */
    String unwrapped(String endpoint) {
      return details(endpoint).replace("\n" + " ".repeat(20), " ");
    }
  }

  /** How a report describes a process, up to the time when it was started. */
  static String process(Object program, String user, Object pids) {
    return String.format(
        "program    %s%n         PID        %s%n         user       %s%n         started    ",
        program, pids, user);
  }

  /** Installs what {@code mvn package} has built. */
  static InstalledLsm install(Path prefix, String config) throws IOException, InterruptedException {
    InstalledLsm lsm = new InstalledLsm(prefix);
    Result result =
        run(
            List.of(
                "/bin/sh",
                "target/lsm/install.sh",
                "--prefix",
                prefix.toString(),
                "--state-dir",
                lsm.state().toString(),
                "--cron-dir",
                prefix.resolve("cron").toString(),
                "--no-baseline"));
    if (result.exitCode() != 0) {
      throw new IOException("install.sh failed: " + result);
    }
    lsm.configure(config);
    return lsm;
  }

  /** Writes conf.lsm, and removes the state: for the next test, as installing takes seconds. */
  void reset(String config) throws IOException {
    if (Files.exists(state())) {
      try (Stream<Path> files = Files.walk(state())) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    configure(config);
  }

  /** Writes conf.lsm. */
  void configure(String config) throws IOException {
    Files.writeString(prefix.resolve("lsm/conf.lsm"), "STATE_DIR=\"" + state() + "\"\n" + config);
  }

  /** Removes the program, its configuration and its state. */
  void purge() throws IOException, InterruptedException {
    Path cron = prefix.resolve("cron");
    String installer = prefix.resolve("lsm/install.sh").toString();
    Result result = run(List.of("/bin/sh", installer, "--purge", "--cron-dir", cron.toString()));
    if (result.exitCode() != 0 || Files.exists(prefix.resolve("lsm"))) {
      throw new IOException("install.sh --purge failed: " + result);
    }
  }

  Path state() {
    return prefix.resolve("state");
  }

  /** Runs the installed program, by the link that users type. */
  Result run(String... arguments) throws IOException, InterruptedException {
    return run(command(arguments));
  }

  /** The command line that runs the installed program. */
  List<String> command(String... arguments) {
    List<String> command = new ArrayList<>(List.of(prefix.resolve("sbin/lsm").toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  /** Runs any program, with files as its streams, so that no pipe can fill up. */
  static Result run(List<String> command) throws IOException, InterruptedException {
    Path out = Files.createTempFile("lsm", "out");
    Path err = Files.createTempFile("lsm", "err");
    try {
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.redirectOutput(out.toFile()).redirectError(err.toFile());
      int exitCode = builder.start().waitFor();
      return new Result(
          exitCode,
          Files.readString(out, StandardCharsets.UTF_8),
          Files.readString(err, StandardCharsets.UTF_8));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }
}
