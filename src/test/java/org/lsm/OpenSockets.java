package org.lsm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sockets that a process of another program holds open until this is closed. */
final class OpenSockets implements AutoCloseable {

  static final Path PERL = Path.of("/usr/bin/perl");

  private static final Map<String, Path> SCRIPTS = new HashMap<>();

  private final Process process;
  private final List<String> endpoints = new ArrayList<>();

  private OpenSockets(Process process) {
    this.process = process;
  }

  /**
   * Starts a process that opens sockets.
   *
   * @param user its user; "root" for the user who runs the test
   * @param interpreter the perl to run
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

  /** Returns a command that opens these sockets. */
  static List<String> command(Path interpreter, String... endpoints) throws IOException {
    List<String> command = new ArrayList<>(List.of(interpreter.toString(), script("sockets.pl")));
    command.addAll(List.of(endpoints));
    return command;
  }

  /** Returns how reports name the perl that opens sockets. */
  static String program() throws IOException {
    return PERL.toRealPath() + " " + script("sockets.pl");
  }

  /**
   * Returns the path of a copy of a script of the tests, because other users may not read the
   * source tree; always the same one, as another script is a difference.
   */
  static synchronized String script(String name) throws IOException {
    Path copy = SCRIPTS.get(name);
    if (copy == null) {
      Path directory = Files.createTempDirectory("lsm-it");
      copy = directory.resolve(name);
      Files.copy(Path.of("src/test/resources/org/lsm", name), copy);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
      directory.toFile().deleteOnExit();
      copy.toFile().deleteOnExit();
      SCRIPTS.put(name, copy);
    }
    return copy.toString();
  }

  /** Starts a program that prints the sockets that it opens, then "ready", as sockets.pl does. */
  static OpenSockets start(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    OpenSockets sockets = new OpenSockets(process);
    BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    for (String line = out.readLine(); !"ready".equals(line); line = out.readLine()) {
      if (line == null) {
        throw new IOException("cannot open sockets: " + String.join(" ", command));
      }
      sockets.endpoints.add(line);
    }
    return sockets;
  }

  /** Returns the endpoints as lsm prints them, with the ports that the kernel assigned. */
  List<String> endpoints() {
    return endpoints;
  }

  long pid() {
    return process.pid();
  }

  /** Closes the sockets and waits for the process to end. */
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
