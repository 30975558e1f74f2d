package org.lsm.channel;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.lsm.alert.FailureKind;

/**
 * An external program, run without a shell, by its absolute path, in an environment of its own.
 *
 * @param executable absolute path of the program
 * @param limit after which it is killed
 * @param mostOutput of what it writes so much is kept, in bytes
 */
public record ExternalCommand(Path executable, Duration limit, int mostOutput) {

  private static final int MOST_OUTPUT = 64 * 1024;

  /** How long to wait for the rest of the output once the program has ended. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /**
   * How a run ended.
   *
   * @param exitCode the exit status
   * @param output what it wrote to standard output and standard error, the first of it
   */
  record Outcome(int exitCode, String output) {}

  /** A program of whose output no more is kept than people read. */
  public ExternalCommand(Path executable, Duration limit) {
    this(executable, limit, MOST_OUTPUT);
  }

  /** It was started, but did not do what it should. */
  static final class FailedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final FailureKind blame;

    FailedException(String message, FailureKind blame) {
      super(message);
      this.blame = blame;
    }
  }

  /** What a failure to run a program says of it. */
  static FailureKind blame(IOException e) {
    return e instanceof FailedException failed ? failed.blame : FailureKind.UNAVAILABLE;
  }

  /**
   * Runs the program and returns its output.
   *
   * @throws FailedException if its exit status is another one than 0
   * @throws IOException if it cannot be started or does not end in time
   */
  public String runSuccessfully(
      List<String> arguments, byte[] input, Map<String, String> environment) throws IOException {
    Outcome outcome = run(arguments, input, environment);
    if (outcome.exitCode() != 0) {
      String said = outcome.output().strip();
      throw new FailedException(
          "it ended with " + outcome.exitCode() + (said.isEmpty() ? "" : " and said: " + said),
          FailureKind.REJECTED);
    }
    return outcome.output();
  }

  /**
   * Runs the program to its end.
   *
   * @param arguments handed over as they are
   * @param input its standard input
   * @param environment what it gets besides a path and a locale
   * @throws IOException if it cannot be started or does not end in time
   */
  Outcome run(List<String> arguments, byte[] input, Map<String, String> environment)
      throws IOException {
    if (!Files.isExecutable(executable)) {
      throw new IOException("there is no program " + executable);
    }
    List<String> command = new ArrayList<>(List.of(executable.toString()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().putAll(environment);
    Process process = builder.start();
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    // Both pipes are served at once: a program may answer before it has read everything.
    CompletableFuture<Void> pipes =
        CompletableFuture.allOf(
            CompletableFuture.runAsync(() -> feed(process, input), ExternalCommand::start),
            CompletableFuture.runAsync(() -> drain(process, output), ExternalCommand::start));
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new FailedException(
            "it did not end within " + limit.toSeconds() + " s", FailureKind.STALLED);
      }
      // What it left running may keep the pipes open for ever; its exit status is all that counts.
      pipes.completeOnTimeout(null, GRACE.toMillis(), TimeUnit.MILLISECONDS).join();
      return new Outcome(process.exitValue(), output.toString(StandardCharsets.UTF_8));
    } catch (CompletionException e) {
      // What it wrote is more than there is memory for, and the caller knows what to say of that.
      if (e.getCause() instanceof OutOfMemoryError error) {
        throw error;
      }
      throw e;
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

  private void drain(Process process, OutputStream output) {
    try (InputStream stdout = process.getInputStream()) {
      byte[] buffer = new byte[8192];
      int left = mostOutput;
      // Kept piece by piece: what the program leaves running may never end its output.
      for (int size = stdout.read(buffer); size >= 0; size = stdout.read(buffer)) {
        output.write(buffer, 0, Math.min(size, left));
        left -= Math.min(size, left);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
