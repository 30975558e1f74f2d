package org.lsm.monitor;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Delivers what waits in the outbox in a process of its own, which outlives the run: a mail server
 * may take minutes to accept a mail, and a connection that is given up then leads to a second copy.
 *
 * @param launcher the program lsm
 * @param errors takes the lines that the process prints while the run waits for it
 */
record DeliveryProcess(Path launcher, Path configFile, boolean quiet, Consumer<String> errors) {
  private static final Duration RUN_TIMEOUT = Duration.ofSeconds(30);

  /**
   * Starts the process and waits for it; returns it if it goes on. An IOException if it cannot be
   * started or fails.
   */
  Optional<Process> run() throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher.toString(), MonitorRun.DELIVER));
    if (quiet) {
      command.add(MonitorRun.QUIET);
    }
    ProcessBuilder builder = new ProcessBuilder(command).directory(new File("/"));
    builder.environment().put("LSM_CONF", configFile.toAbsolutePath().toString());
    builder.redirectInput(new File("/dev/null")).redirectOutput(Redirect.DISCARD);
    if (quiet) {
      builder.redirectError(Redirect.INHERIT); // cron mails also what comes after the run
    }
    Process process = builder.start();
    try {
      boolean ended = process.waitFor(RUN_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      printErrors(process.errorReader());
      if (ended && process.exitValue() != 0) {
        throw new IOException("it ended with " + process.exitValue());
      }
      return ended ? Optional.empty() : Optional.of(process);
    } catch (InterruptedException e) {
      throw new IOException("interrupted", e);
    }
  }

  /** Prints what the process has printed so far. */
  private void printErrors(BufferedReader reader) throws IOException {
    while (reader.ready()) {
      errors.accept(reader.readLine().replaceFirst("^lsm: ", "")); // which errors adds again
    }
  }
}
