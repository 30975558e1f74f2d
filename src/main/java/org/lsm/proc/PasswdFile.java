package org.lsm.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Names of users by their ID, as passwd(5) has them. */
final class PasswdFile {

  private final Map<Long, String> names = new HashMap<>();

  /** Reads a passwd file; a line that is none is passed over, as the C library does. */
  PasswdFile(Path passwd) throws IOException {
    if (!Files.exists(passwd)) {
      return; // small containers have none
    }
    String text = new String(Files.readAllBytes(passwd), StandardCharsets.UTF_8);
    for (String line : text.split("\n", -1)) {
      String[] fields = line.split(":", -1);
      if (fields.length >= 3 && fields[2].matches("\\d{1,10}")) {
        names.putIfAbsent(Long.valueOf(fields[2]), fields[0]);
      }
    }
  }

  /** The name of a user, or the number where it has none. */
  String name(long uid) {
    return names.getOrDefault(uid, Long.toString(uid));
  }
}
