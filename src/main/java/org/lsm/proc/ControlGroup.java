package org.lsm.proc;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where a process runs, by its control groups.
 *
 * @param rows {@code /proc/PID/cgroup}, of version 1, 2, or both (cgroups(7))
 */
public record ControlGroup(String rows) {
  private static final String CONTAINER = "container ";

  /** Returns the systemd units and the container, the outermost first, separated by slashes. */
  String unit() {
    List<String> units = new ArrayList<>();
    String containerOfOthers = "";
    for (String row : rows.split("\n", -1)) {
      String[] fields = row.split(":", 3);
      String path = fields[fields.length - 1];
      if (units.isEmpty() && (fields[0].equals("0") || row.contains(":name=systemd:"))) {
        parts(path).forEach(units::add);
      } else {
        Stream<String> containers = parts(path).filter(it -> it.startsWith(CONTAINER));
        containerOfOthers = containers.findFirst().orElse(containerOfOthers);
      }
    }
    if (units.stream().noneMatch(it -> it.startsWith(CONTAINER)) && !containerOfOthers.isEmpty()) {
      units.add(0, containerOfOthers);
    }
    return String.join("/", units);
  }

  /** Returns {@link #lasting} of the unit of a path of version 2; empty if there is none. */
  public static String lastingUnit(String path) {
    return lasting(new ControlGroup("0::/" + path).unit());
  }

  /**
   * Returns the name of a unit that its next run has, too: without numbers of sessions and
   * connections, instances, and the IDs of scopes and containers.
   */
  public static String lasting(String unit) {
    return unit.replaceAll("@[^/]*(?=\\.\\w+(/|$))", "@*")
        .replaceAll("(^|/)run-[^/]*(?=\\.)", "$1run-*")
        .replaceAll(":1\\.\\d+", ":1.*") // of D-Bus
        .replaceAll("(-[0-9a-f]+)+(?=\\.scope)", "-*")
        .replaceAll("(?<=qemu\\\\x2d)\\d+", "*")
        .replaceAll("(?<=" + CONTAINER + ")[0-9a-f]{12}", "*");
  }

  private static Stream<String> parts(String path) {
    Stream<String> parts =
        Stream.of(path.replaceAll("/lxc(\\.payload)?/", "/lxc.payload.").split("/", -1));
    return parts.map(ControlGroup::part).filter(it -> !it.isEmpty());
  }

  private static String part(String part) {
    // Not constants: a quiet run compiles no patterns.
    String id = "(?s)(?!.*conmon-)(?:.*[:-])?([0-9a-f]{12})[0-9a-f]{52}(?:\\.scope)?";
    Matcher container = Pattern.compile(id + "|lxc\\.payload\\.(.+)").matcher(part);
    if (container.matches()) {
      return CONTAINER + container.group(container.group(1) == null ? 2 : 1);
    }
    return part.matches("(?s).+\\.(service|scope|socket)") ? part : "";
  }

  /** Returns the container's name, which outlives it; empty if its manager uses random names. */
  String containerName() {
    String name = "/(?:machine-|lxc\\.payload[./]|lxc/)([^/\n]+?)(?:\\.scope)?(?:[/\n]|$)";
    Matcher named = Pattern.compile(name).matcher(rows);
    return named.find() ? named.group(1).replace("\\x2d", "-") : ""; // systemd.unit(5)
  }
}
