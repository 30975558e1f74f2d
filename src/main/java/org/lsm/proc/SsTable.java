package org.lsm.proc;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.Connection;
import org.lsm.model.Connection.Traffic;
import org.lsm.model.Endpoint;
import org.lsm.model.Plural;
import org.lsm.model.Protocol;
import org.lsm.model.SocketKey;

/** The TCP connections that ss(8) lists, and what was skipped, in words; not escaped. */
public record SsTable(List<Connection> connections, List<String> notes) {
  /**
   * Asks for listeners and connections, one a line, with user, inode and bytes. Not for their
   * processes: ss prints the names of these as they are, and {@code ",pid=1,fd=3),(} is one.
   */
  public static final List<String> ARGUMENTS =
      List.of("-tineaOH", "exclude", "time-wait", "exclude", "syn-recv");

  /**
   * State, queues, ends, timer, user (unless root), inode; and, of a socket that is not only a
   * timer, more with a cgroup that any user may name, an arrow and tcp_info.
   */
  private static final Pattern ROW =
      Pattern.compile(
          "([A-Z0-9-]+) +\\d+ +\\d+ +(\\S+:\\d+) +(\\S+:[\\d*]+) +(?:timer:\\S+ +)?"
              + "(?:uid:(\\d{1,10}) )?ino:(\\d{1,18})(?: .* [<-]-[>-]( .*)?| sk:\\S+)? *");

  private static final Pattern DEVICE = Pattern.compile("%[^]:]+"); // that a socket is bound to
  private static final Pattern SENT = Pattern.compile(" bytes_sent:(\\d{1,18})\\b");
  private static final Pattern ACKED = Pattern.compile(" bytes_acked:(\\d{1,18})\\b");
  private static final Pattern RECEIVED = Pattern.compile(" bytes_received:(\\d{1,18})\\b");

  /** Parses what ss prints with {@link #ARGUMENTS}; lines of another form are skipped. */
  public static SsTable parse(String output) {
    Set<String> listeners = new HashSet<>();
    List<Matcher> rows = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    int end = output.lastIndexOf('\n') + 1; // what follows was cut off
    for (String line : output.substring(0, end).split("\n", -1)) {
      Matcher row = ROW.matcher(line);
      if (!row.matches()) {
        skipped.add(line.strip());
      } else if (row.group(1).equals("LISTEN")) {
        listeners.add(address(row.group(2)));
      } else if (!row.group(3).endsWith(":*")) { // bound only
        rows.add(row);
      }
    }
    List<Connection> connections = new ArrayList<>();
    for (Matcher row : rows) {
      try {
        connections.add(connection(row, listeners));
      } catch (IllegalArgumentException e) {
        skipped.add(row.group().strip());
      }
    }
    skipped.removeIf(String::isEmpty);
    return new SsTable(connections, notes(skipped, end < output.length()));
  }

  private static List<String> notes(List<String> skipped, boolean isCut) {
    List<String> notes = new ArrayList<>();
    if (!skipped.isEmpty()) {
      String lines = Plural.count(skipped.size(), "line") + " that ss printed; the first: '";
      notes.add("skipped " + lines + skipped.get(0) + "'");
    }
    if (isCut) {
      notes.add("there are more connections: ss printed more than lsm reads");
    }
    return notes;
  }

  private static Connection connection(Matcher row, Set<String> listeners) {
    Endpoint local = endpoint(row.group(2));
    long uid = row.group(4) == null ? 0 : Long.parseLong(row.group(4));
    SocketKey socket = new SocketKey(Long.parseLong(row.group(5)), uid, local);
    boolean outbound = !isServed(local, listeners);
    Traffic traffic = traffic(row.group(6));
    return new Connection(socket, endpoint(row.group(3)), row.group(1), outbound, traffic);
  }

  private static Endpoint endpoint(String text) {
    return Endpoint.of(text.startsWith("[") ? "tcp6" : "tcp", address(text));
  }

  private static String address(String text) {
    return DEVICE.matcher(text).replaceFirst("");
  }

  /**
   * Whether a connection with this local end came in: there is a listener of its protocol and
   * namespace at this address, at any address of its family, or at any.
   */
  static boolean isServed(Endpoint local, Set<String> listeners) {
    String any = local.protocol().family() == Protocol.Family.INET6 ? "[::]:" : "0.0.0.0:";
    return listeners.contains(local.local())
        || listeners.contains(any + local.port())
        || listeners.contains("*:" + local.port());
  }

  /** A number that is 0 is not printed; bytes_acked, of kernels before 4.19, counts the SYN. */
  private static Traffic traffic(String info) {
    if (info == null || !info.contains(" mss:")) {
      return new Traffic(null, null, null, null);
    }
    long sent = number(SENT, info, Math.max(0, number(ACKED, info, 0) - 1));
    return new Traffic(sent, number(RECEIVED, info, 0), null, null);
  }

  private static long number(Pattern field, String info, long otherwise) {
    Matcher matcher = field.matcher(info);
    return matcher.find() ? Long.parseLong(matcher.group(1)) : otherwise;
  }
}
