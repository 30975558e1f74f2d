package org.lsm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Real sockets, held by a real process of another program than the test until it is closed. */
final class OpenSockets implements AutoCloseable {

  static final Path PERL = Path.of("/usr/bin/perl");

  private final Process process;
  private final List<String> endpoints = new ArrayList<>();

  private OpenSockets(Process process) {
    this.process = process;
  }

  /**
   * Starts a process that opens sockets.
   *
   * @param user whom it runs as; "root" for whoever runs the test
   * @param interpreter the perl that it runs in
   * @param endpoints as sockets.pl takes them
   */
  static OpenSockets open(String user, Path interpreter, String... endpoints) throws IOException {
    List<String> command = new ArrayList<>();
    if (!user.equals("root")) {
      command.addAll(
          List.of("/usr/bin/setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups"));
    }
    command.addAll(command(interpreter, endpoints));
    return start(command);
  }

  /** The command line that opens these sockets. */
  static List<String> command(Path interpreter, String... endpoints) throws IOException {
    List<String> command = new ArrayList<>(List.of(interpreter.toString(), script("sockets.pl")));
    command.addAll(List.of(endpoints));
    return command;
  }

  /**
   * The path of a copy of a script that stands with the tests: other users may not be allowed to
   * read the source tree.
   */
  static String script(String name) throws IOException {
    Path directory = Files.createTempDirectory("lsm-it");
    Path copy = directory.resolve(name);
    Files.copy(Path.of("src/test/resources/org/lsm", name), copy);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
    directory.toFile().deleteOnExit();
    copy.toFile().deleteOnExit();
    return copy.toString();
  }

  /** Starts a program that prints what it opens and "ready", as sockets.pl does. */
  static OpenSockets start(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    OpenSockets sockets = new OpenSockets(process);
    BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    for (String line = out.readLine(); !"ready".equals(line); line = out.readLine()) {
      if (line == null) {
        throw new IOException("could not open any: " + String.join(" ", command));
      }
      sockets.endpoints.add(line);
    }
    return sockets;
  }

  /** The endpoints that were opened, in lsm's words, with the ports that the kernel chose. */
  List<String> endpoints() {
    return endpoints;
  }

  long pid() {
    return process.pid();
  }

  /** Closes the sockets and waits until they are gone. */
  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
