package org.lsm.monitor;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The digests of the files that dpkg(1) and rpm(8) installed. {@code dpkg --verify} would not do:
 * it accepts any content of a file of which the package has no digest.
 *
 * @param output runs a command and returns its output, empty if it fails
 */
record InstalledPackages(Function<List<String>, String> output) {
  private static final String DPKG_QUERY = "/usr/bin/dpkg-query";
  private static final String RPM = "/usr/bin/rpm";
  private static final String RPM_FORMAT = "%{NEVRA}\n[%{FILEDIGESTS} %{FILENAMES}\n]";

  /** Returns the package that installed this content at this path; empty if none did. */
  String packageOf(String path, String sha256, Supplier<String> md5) {
    if (!path.matches("/[\\w/.+,:@~-]+")) {
      return ""; // packages have no such programs, and dpkg-query takes patterns
    }
    String name = path.substring(path.lastIndexOf('/'));
    // Where /bin is a link to /usr/bin, a package may list the program in either.
    for (String listed : List.of(path, path.replaceFirst("^/usr/", "/"))) {
      for (String line : output(DPKG_QUERY, "--search", listed).split("\n", -1)) {
        if (line.endsWith(": " + listed)) {
          String owner = line.substring(0, line.length() - listed.length() - 2).split(", ", -1)[0];
          if (has(output(DPKG_QUERY, "--control-show", owner, "md5sums"), md5.get(), name)) {
            return owner;
          }
        }
      }
    }
    String listing = output(RPM, "--query", "--queryformat", RPM_FORMAT, "--file", path);
    return has(listing, sha256, name) ? listing.split("\n", -1)[0] : "";
  }

  private String output(String... command) {
    return output.apply(List.of(command));
  }

  private static boolean has(String listing, String digest, String name) {
    return !digest.isEmpty()
        && listing.lines().anyMatch(it -> it.startsWith(digest + " ") && it.endsWith(name));
  }
}
