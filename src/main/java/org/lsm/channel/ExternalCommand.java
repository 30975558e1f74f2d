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
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.report.EscapedText;

/**
 * An external program, run without a shell and in an environment that inherits nothing, and killed
 * after the time-out. So many bytes of its output are kept; the rest is read and dropped.
 *
 * @param keepsErrors whether stderr is a part of the output; it may begin within a line
 */
public record ExternalCommand(
    Path executable, Duration timeout, int maxOutput, boolean keepsErrors) {
  private static final int MAX_OUTPUT = 64 * 1024;
  static final int MAX_REASON = 500;
  private static final Duration OUTPUT_TIMEOUT = Duration.ofSeconds(1); // once it has ended

  /** The program was started, but failed. */
  private static final class FailedException extends IOException {
    private static final long serialVersionUID = 1L;
    private final FailureKind kind;

    FailedException(String message, FailureKind kind) {
      super(message);
      this.kind = kind;
    }
  }

  /** A program whose output includes stderr. */
  public ExternalCommand(Path executable, Duration timeout, int maxOutput) {
    this(executable, timeout, maxOutput, true);
  }

  /** A program whose output is a message to people. */
  public ExternalCommand(Path executable, Duration timeout) {
    this(executable, timeout, MAX_OUTPUT);
  }

  /** Makes a failure of {@link #run} that of a channel. */
  static DeliveryException deliveryFailure(
      String channel, IOException e, String advice, Set<String> served) {
    FailureKind kind = e instanceof FailedException failed ? failed.kind : FailureKind.UNAVAILABLE;
    String message =
        channel + " failed: " + EscapedText.cut(e.getMessage(), MAX_REASON) + "; " + advice;
    return new DeliveryException(message, e, kind, served);
  }

  /**
   * Runs the program and returns its output. An IOException if it cannot be started, does not end
   * in time, or ends with another status than 0; then with its output.
   */
  public String run(List<String> arguments, byte[] input, Map<String, String> environment)
      throws IOException {
    Process process = start(arguments, environment);
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    // Both pipes at once: a program may write before it has read everything.
    startDaemon(() -> write(process, input));
    CompletableFuture<Void> reading =
        CompletableFuture.runAsync(() -> read(process, output), ExternalCommand::startDaemon);
    try {
      if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        String problem = "it did not end within " + timeout.toSeconds() + " s";
        throw new FailedException(problem, FailureKind.STALLED);
      }
      // A process that it leaves behind may keep the pipe open for ever.
      reading.completeOnTimeout(null, OUTPUT_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS).join();
      String text = output.toString(StandardCharsets.UTF_8);
      if (process.exitValue() != 0) {
        String said = text.isBlank() ? "" : " and said: " + text.strip();
        String problem = "it ended with " + process.exitValue() + said;
        throw new FailedException(problem, FailureKind.REJECTED);
      }
      return text;
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error; // memory may be short; the caller reports it
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

  private Process start(List<String> args, Map<String, String> environment) throws IOException {
    if (!Files.isExecutable(executable)) {
      throw new IOException("there is no program " + executable);
    }
    List<String> command = new ArrayList<>(args);
    command.add(0, executable.toString());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(keepsErrors);
    if (!keepsErrors) {
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    }
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().putAll(environment);
    return builder.start();
  }

  /** Runs a task in a thread that does not keep lsm from ending. */
  static void startDaemon(Runnable task) {
    Thread thread = new Thread(task, "lsm-io");
    thread.setDaemon(true);
    thread.start();
  }

  private static void write(Process process, byte[] input) {
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(input);
    } catch (IOException e) {
      // The program closed its input early; its exit status says whether it failed.
    }
  }

  private void read(Process process, ByteArrayOutputStream output) {
    try (InputStream stdout = process.getInputStream()) {
      byte[] buffer = new byte[8192];
      for (int size = stdout.read(buffer); size >= 0; size = stdout.read(buffer)) {
        output.write(buffer, 0, Math.min(size, maxOutput - output.size()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
