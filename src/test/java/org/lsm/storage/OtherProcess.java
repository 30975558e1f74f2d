package org.lsm.storage;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.util.ArrayList;
import java.util.List;

/** Runs a Java program in another process. */
public final class OtherProcess {

  private OtherProcess() {}

  /** Starts a program under this umask. */
  public static Process start(String umask, Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("sh", "-c", "umask " + umask + "; exec \"$@\""));
    command.addAll(List.of("sh", System.getProperty("java.home") + "/bin/java", "-cp"));
    command.addAll(List.of(System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
  }
}
