package org.lsm.monitor;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Delivers what waits in the outbox in a process of its own, which outlives the run: a mail server
 * may take minutes to accept a mail, and a connection that is given up then leads to a second copy.
 *
 * <p>Its standard error is a pipe, and not that of the run: its reader, such as cron or {@code
 * $(...)}, would wait for the end of the delivery. What fails after the run is in the history and
 * in {@code lsm status}.
 *
 * @param launcher the program lsm
 * @param errors takes the lines that the process prints while the run waits for it
 */
record DeliveryProcess(Path launcher, Path configFile, boolean quiet, Consumer<String> errors) {
  static final Duration RUN_TIMEOUT = Duration.ofSeconds(30);

  /** Starts the process, or throws an IOException, and waits a while for its end. */
  void run() throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher.toString(), MonitorRun.DELIVER));
    if (quiet) {
      command.add(MonitorRun.QUIET);
    }
    ProcessBuilder builder = new ProcessBuilder(command).directory(new File("/"));
    builder.environment().put("LSM_CONF", configFile.toAbsolutePath().toString());
    builder.redirectInput(new File("/dev/null")).redirectOutput(Redirect.DISCARD);
    Process process = builder.start();
    try {
      process.waitFor(RUN_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      printErrors(process.errorReader());
    } catch (IOException | InterruptedException e) {
      // It goes on, and the history has its outcome.
    }
    if (process.isAlive() && !quiet) {
      String problem = "the delivery takes long and goes on in the background, PID ";
      errors.accept(problem + process.pid() + "; 'lsm history' will have its outcome");
    } else if (!process.isAlive() && process.exitValue() != 0) {
      // A server may have the alert already: this run must not send it again at once.
      String problem = "the process that delivers alerts ended with status ";
      errors.accept(problem + process.exitValue() + "; the next run tries again");
    }
  }

  /** Prints what the process has printed so far. */
  private void printErrors(BufferedReader reader) throws IOException {
    while (reader.ready()) {
      errors.accept(reader.readLine().replaceFirst("^lsm: ", "")); // which errors adds again
    }
  }
}
