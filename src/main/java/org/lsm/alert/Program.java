package org.lsm.alert;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * An external program, run without a shell, by its absolute path, in an environment of its own.
 *
 * @param executable absolute path of the program
 * @param limit after which it is killed
 */
record Program(Path executable, Duration limit) {

  /** How long to wait for the rest of the output once the program has ended. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /**
   * How a run ended.
   *
   * @param exitCode the exit status
   * @param output what it wrote to standard output and standard error
   */
  record Outcome(int exitCode, String output) {}

  /**
   * Runs the program to its end.
   *
   * @param arguments handed over as they are
   * @param input its standard input
   * @throws IOException if it cannot be started or does not end in time
   */
  Outcome run(List<String> arguments, byte[] input) throws IOException {
    if (!Files.isExecutable(executable)) {
      throw new IOException("there is no program " + executable);
    }
    List<String> command = new ArrayList<>(List.of(executable.toString()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    // Both pipes are served at once: a program may answer before it has read everything.
    CompletableFuture<Void> pipes =
        CompletableFuture.allOf(
            CompletableFuture.runAsync(() -> feed(process, input), Program::start),
            CompletableFuture.runAsync(() -> drain(process, output), Program::start));
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException("it did not end within " + limit.toSeconds() + " s");
      }
      // What it left running may keep the pipes open for ever; its exit status is all that counts.
      pipes.completeOnTimeout(null, GRACE.toMillis(), TimeUnit.MILLISECONDS).join();
      return new Outcome(process.exitValue(), output.toString(StandardCharsets.UTF_8));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "pipe");
    thread.setDaemon(true);
    thread.start();
  }

  private static void feed(Process process, byte[] input) {
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(input);
    } catch (IOException e) {
      // It closed its input early; its exit status tells whether that was meant.
    }
  }

  private static void drain(Process process, OutputStream output) {
    try {
      process.getInputStream().transferTo(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
