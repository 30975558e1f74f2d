package org.lsm.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The user names of a passwd(5) file. */
final class PasswdFile {

  private static final long MAX_UID = 0xFFFF_FFFFL;

  private final Map<Long, String> names = new HashMap<>();

  /** Reads a file, which small containers lack. Skips malformed lines, as the C library does. */
  PasswdFile(Path passwd) throws IOException {
    if (!Files.exists(passwd)) {
      return;
    }
    String text = new String(Files.readAllBytes(passwd), StandardCharsets.UTF_8);
    for (String line : text.split("\n", -1)) {
      String[] fields = line.split(":", 4);
      try {
        if (fields.length > 2) {
          names.putIfAbsent(FieldReader.number(fields[2], 10, MAX_UID), fields[0]);
        }
      } catch (MalformedRowException e) {
        // for instance +::::::, which includes NIS
      }
    }
  }

  /** The name of a user, or the number if the user has no name. */
  String name(long uid) {
    String name = names.get(uid);
    return name == null ? Long.toString(uid) : name;
  }
}
