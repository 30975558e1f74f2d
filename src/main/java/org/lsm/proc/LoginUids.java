package org.lsm.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The numbers of the users who log in: UID_MIN to UID_MAX of login.defs(5). */
public record LoginUids(long min, long max) {
  /** No user at all. */
  public static final LoginUids NONE = new LoginUids(1, 0);

  private static final long NOBODY = 65534;

  /** Reads a file, which small containers lack; what it does not set is as useradd(8) has it. */
  public static LoginUids read(Path file) throws IOException {
    byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    return new LoginUids(Math.max(1, last(text, "UID_MIN", 1000)), last(text, "UID_MAX", 60000));
  }

  /** The last setting counts, as for login(1). */
  private static long last(String text, String key, long value) {
    Matcher lines = Pattern.compile("(?m)^\\s*" + key + "\\s+\"?(\\d{1,10})\\b").matcher(text);
    while (lines.find()) {
      value = Long.parseLong(lines.group(1));
    }
    return value;
  }

  public boolean contains(long uid) {
    return uid >= min && uid <= max && uid != NOBODY;
  }
}
