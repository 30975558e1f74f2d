package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The control group of a process (cgroups(7)).
 *
 * @param path its path in the unified hierarchy, or in systemd's own of version 1; empty if the
 *     process is in neither
 */
record ControlGroup(String path) {

  private static final Pattern CONTAINER =
      Pattern.compile("(?:[a-z-]+-)?([0-9a-f]{64})(?:\\.scope)?");
  private static final Pattern UNIT =
      Pattern.compile(".+\\.(service|scope|socket)", Pattern.DOTALL);
  private static final Pattern NAMED_CONTAINER =
      Pattern.compile("/(?:machine-|lxc\\.payload\\.|lxc/)([^/]+?)(?:\\.scope)?(?:/|$)");

  /** Reads {@code /proc/PID/cgroup}. */
  static ControlGroup read(Path file) throws IOException {
    for (String line : ProcFile.decode(file).split("\n", -1)) {
      if (line.startsWith("0::") || line.contains(":name=systemd:")) {
        return new ControlGroup(line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1));
      }
    }
    return new ControlGroup("");
  }

  /**
   * Returns the systemd units and the container in the path, separated by slashes, the outermost
   * first; empty if there are none.
   */
  String unit() {
    List<String> units = new ArrayList<>();
    for (String part : path.split("/", -1)) {
      Matcher container = CONTAINER.matcher(part);
      if (container.matches()) {
        units.add("container " + container.group(1).substring(0, 12));
      } else if (UNIT.matcher(part).matches()) {
        units.add(part);
      }
    }
    return String.join("/", units);
  }

  /** Returns the container's name, which outlives it; empty if its manager uses random names. */
  String containerName() {
    Matcher named = NAMED_CONTAINER.matcher(path);
    return named.find() ? named.group(1) : "";
  }
}
