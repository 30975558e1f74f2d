package org.lsm.cli;

import java.util.List;
import java.util.OptionalInt;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.config.Glob;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.SocketIdentity;
import org.lsm.model.TextEscaper;

/** The names by which commands take sockets: as reports name them, patterns, ports and PIDs. */
final class SocketNames {
  private static final Pattern NUMBER = Pattern.compile("(port=|pid=|)(\\d{1,9})");

  private SocketNames() {}

  /** The PID that a name may stand for. */
  static OptionalInt pid(String name) {
    Matcher number = NUMBER.matcher(name);
    boolean isPid = number.matches() && !number.group(1).equals("port=");
    return isPid ? OptionalInt.of(Integer.parseInt(number.group(2))) : OptionalInt.empty();
  }

  /**
   * The socket of this name, which may look like a pattern, or all that the name stands for; throws
   * IllegalArgumentException if it has two meanings, or is no pattern.
   */
  static List<Difference> find(Diff diff, SocketIdentity identity, String name) {
    Matcher number = NUMBER.matcher(name);
    if (number.matches()) {
      return numbered(diff, number);
    }
    List<Difference> exact =
        where(
            diff,
            it ->
                TextEscaper.escape(it.endpoint().toString()).equals(name)
                    || TextEscaper.escape(identity.key(it.after()).toString()).equals(name));
    if (!exact.isEmpty()) {
      return exact;
    }
    try {
      Glob pattern = new Glob(name);
      return where(diff, it -> pattern.matches(it.endpoint().toString()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'" + name + "' has " + e.getMessage(), e);
    }
  }

  /** All on a port, or all sockets of a process; a number alone may be either. */
  private static List<Difference> numbered(Diff diff, Matcher name) {
    String kind = name.group(1);
    int number = Integer.parseInt(name.group(2));
    List<Difference> onPort =
        kind.equals("pid=") ? List.of() : where(diff, it -> it.endpoint().hasPort(number));
    List<Difference> ofProcess =
        kind.equals("port=")
            ? List.of()
            : where(diff, it -> it.after().processes().stream().anyMatch(p -> p.pid() == number));
    if (!onPort.isEmpty() && !ofProcess.isEmpty() && !onPort.equals(ofProcess)) {
      String port = onPort.get(0).endpoint().toString();
      String process = ofProcess.get(0).endpoint().toString();
      throw new IllegalArgumentException(
          String.format(
              "%1$d is the port of %2$s and the PID of %3$s; write port=%1$d or pid=%1$d",
              number, port, process));
    }
    return onPort.isEmpty() ? ofProcess : onPort;
  }

  static List<Difference> where(Diff diff, Predicate<Difference> condition) {
    return diff.differences().stream().filter(condition).toList();
  }
}
