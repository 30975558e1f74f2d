package org.lsm.monitor;

import java.util.ArrayList;
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
    if (!isPlain(path)) {
      return "";
    }
    String name = path.substring(path.lastIndexOf('/'));
    for (String owner : ofDpkg(path)) {
      if (has(output(DPKG_QUERY, "--control-show", owner, "md5sums"), md5.get(), name)) {
        return owner;
      }
    }
    String listing = output(RPM, "--query", "--queryformat", RPM_FORMAT, "--file", path);
    return has(listing, sha256, name) ? listing.split("\n", -1)[0] : "";
  }

  /** Returns the package that has a file at this path, whatever its content; empty if none has. */
  String ownerOf(String path) {
    if (!isPlain(path)) {
      return "";
    }
    String ofRpm = output(RPM, "--query", "--file", path).split("\n", -1)[0];
    return ofDpkg(path).stream().findFirst().orElse(ofRpm);
  }

  /** Packages have no other programs, and dpkg-query takes patterns. */
  private static boolean isPlain(String path) {
    return path.matches("/[\\w/.+,:@~-]+");
  }

  private List<String> ofDpkg(String path) {
    List<String> owners = new ArrayList<>();
    // Where /bin is a link to /usr/bin, a package may list the program in either.
    for (String listed : List.of(path, path.replaceFirst("^/usr/", "/"))) {
      for (String line : output(DPKG_QUERY, "--search", listed).split("\n", -1)) {
        if (line.endsWith(": " + listed)) {
          owners.add(line.substring(0, line.length() - listed.length() - 2).split(", ", -1)[0]);
        }
      }
      if (!owners.isEmpty()) {
        return owners;
      }
    }
    return owners;
  }

  private String output(String... command) {
    return output.apply(List.of(command));
  }

  private static boolean has(String listing, String digest, String name) {
    return !digest.isEmpty()
        && listing.lines().anyMatch(it -> it.startsWith(digest + " ") && it.endsWith(name));
  }
}
