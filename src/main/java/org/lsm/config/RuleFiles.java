package org.lsm.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.lsm.storage.SecureFiles;

/**
 * The files that have rules: ignore.lsm, and those in rules.d whose names end with .lsm and do not
 * begin with a dot.
 */
public final class RuleFiles {
  static final String IGNORE_FILE = "ignore.lsm";
  public static final String DIRECTORY = "rules.d";

  private RuleFiles() {}

  /** The files of rules beside a configuration, those that there are. */
  public static List<Path> beside(Path config) throws IOException {
    List<Path> files = new ArrayList<>();
    Path ignore = config.resolveSibling(IGNORE_FILE);
    if (Files.exists(ignore, LinkOption.NOFOLLOW_LINKS)) {
      files.add(ignore);
    }
    Path directory = config.resolveSibling(DIRECTORY);
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      SecureFiles.requireTrusted(directory);
      files.addAll(in(directory));
    }
    return files;
  }

  /** The files of rules in a directory, in the order of their names. */
  public static List<Path> in(Path directory) throws IOException {
    return entriesOf(directory, true);
  }

  /** What is in a directory of rules, but is not read because of its name. */
  public static List<Path> unreadIn(Path directory) throws IOException {
    return entriesOf(directory, false);
  }

  private static List<Path> entriesOf(Path directory, boolean areRead) throws IOException {
    List<Path> files = new ArrayList<>();
    for (String name : SecureFiles.list(directory)) {
      if ((name.endsWith(".lsm") && !name.startsWith(".")) == areRead) {
        files.add(directory.resolve(name));
      }
    }
    Collections.sort(files);
    return files;
  }
}
