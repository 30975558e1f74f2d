package org.lsm.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The users of passwd(5): the first name of each number, and the number of each name. */
public record PasswdFile(Map<Long, String> names, Map<String, Long> uids) {
  private static final long MAX_UID = 0xFFFF_FFFFL;

  /** Reads a file, which small containers lack. */
  public static PasswdFile read(Path file) throws IOException {
    byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
    return parse(new String(bytes, StandardCharsets.UTF_8));
  }

  public static PasswdFile parse(String text) {
    PasswdFile users = new PasswdFile(new HashMap<>(), new HashMap<>());
    for (String line : text.split("\n", -1)) {
      String[] fields = line.split(":", 4);
      try {
        if (fields.length > 2) {
          long uid = FieldReader.number(fields[2], 10, MAX_UID);
          users.names.putIfAbsent(uid, fields[0]);
          users.uids.putIfAbsent(fields[0], uid);
        }
      } catch (MalformedRowException e) {
        // for instance +::::::, which includes NIS; the C library skips it, too
      }
    }
    return users;
  }
}
