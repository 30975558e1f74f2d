package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The names of the network interfaces of a namespace, whether they are up or not. They are read
 * when the first is asked for.
 */
final class InterfaceNames {
  private static final String ANY = "0";
  private static final String REMOVED = "-1"; // the index of an interface that is no more

  private final Path tables;
  private Map<Integer, String> names;

  /** Takes the directory of the namespace's tables, such as {@code /proc/net}. */
  InterfaceNames(Path tables) {
    this.tables = tables;
  }

  /** Returns the name of the interface with this index, or {@code if3} for one without a name. */
  String of(String index) throws IOException, MalformedRowException {
    if (index.equals(ANY)) {
      return "*";
    } else if (index.equals(REMOVED)) {
      return "(removed)";
    }
    int number = (int) FieldReader.number(index, 10, Integer.MAX_VALUE);
    if (names == null) {
      names = new HashMap<>();
      addAll();
    }
    return names.getOrDefault(number, "if" + number);
  }

  /**
   * The directory dev_snmp6 has a file for each interface with IPv6, whose first line is its index;
   * igmp has rows {@code 2 TAB eth0 : COUNT QUERIER} for those with IPv4 that are up. Unlike these,
   * /sys/class/net may belong to another namespace.
   */
  private void addAll() throws IOException {
    Path directory = tables.resolve("dev_snmp6");
    for (Path file : Files.isDirectory(directory) ? ProcFile.list(directory) : List.<Path>of()) {
      String text = read(file); // "ifIndex" and the number
      String index = text.substring(text.indexOf(' ') + 1, Math.max(text.indexOf('\n'), 0));
      add(index + " " + ProcFile.text(file.getFileName()));
    }
    for (String line : read(tables.resolve("igmp")).split("\n", -1)) {
      if (!line.isEmpty() && Character.digit(line.charAt(0), 10) >= 0) { // others are indented
        add(ProcFile.decode(line.replace(':', ' ')));
      }
    }
  }

  /** Returns an empty text if there is no such file: an interface, or IPv4, may be removed. */
  private static String read(Path file) throws IOException {
    try {
      return ProcFile.read(file);
    } catch (NoSuchFileException e) {
      return "";
    }
  }

  /** Adds the name of a row that begins with an index and a name. */
  private void add(String row) {
    FieldReader fields = new FieldReader(row.replace('\t', ' '));
    try {
      names.put(fields.number(10, Integer.MAX_VALUE), fields.next());
    } catch (MalformedRowException e) {
      // sockets on an interface without a name show its index
    }
  }
}
