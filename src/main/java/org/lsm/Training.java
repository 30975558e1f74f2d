package org.lsm;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.lsm.monitor.SystemEnvironment;

/**
 * Runs the command lines of standard input in one process, so that archive.sh can list the classes
 * that they load. What they print is dropped.
 */
final class Training {
  private Training() {}

  public static void main(String[] args) throws IOException {
    PrintWriter none =
        new PrintWriter(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    String lines = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    for (String line : lines.strip().split("\n", -1)) {
      Lsm.run(SystemEnvironment.real(), none, none, line.split(" ", -1));
    }
    Runtime.getRuntime().halt(0);
  }
}
