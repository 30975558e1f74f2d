package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Reads services(5). */
public final class ServicesFile {
  private ServicesFile() {}

  /** The first name of each port, which is {@code 22/tcp}; small containers lack the file. */
  public static Map<String, String> read(Path file) throws IOException {
    Map<String, String> names = new HashMap<>();
    String text = Files.exists(file) ? ProcFile.read(file) : "";
    for (String line : text.split("\n", -1)) {
      String[] words = line.replaceFirst("#.*", "").trim().split("\\s+", -1);
      if (words.length >= 2) {
        names.putIfAbsent(words[1], words[0]);
      }
    }
    return names;
  }
}
