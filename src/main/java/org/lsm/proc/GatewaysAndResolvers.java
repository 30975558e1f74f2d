package org.lsm.proc;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The hosts that this one cannot do without: its gateways, and the servers that resolve names. */
public final class GatewaysAndResolvers {

  private static final Pattern NAMESERVER =
      Pattern.compile("\\s*nameserver\\s+([0-9a-fA-F:.]+)(%\\S*)?(\\s.*)?");

  private static final String NO_GATEWAY = "0".repeat(32);

  private GatewaysAndResolvers() {}

  /**
   * Their addresses, as far as they can be found out.
   *
   * @param proc the root of /proc
   * @param resolvers files in the format of resolv.conf(5); those that do not exist are passed over
   */
  public static SortedSet<String> addresses(Path proc, List<Path> resolvers) throws IOException {
    SortedSet<String> addresses = new TreeSet<>();
    addGateways(addresses, proc.resolve("net/route"), GatewaysAndResolvers::gateway);
    addGateways(addresses, proc.resolve("net/ipv6_route"), GatewaysAndResolvers::gateway6);
    for (Path file : resolvers) {
      if (Files.isRegularFile(file)) {
        ProcessReader.read(file)
            .lines()
            .map(NAMESERVER::matcher)
            .filter(Matcher::matches)
            .forEach(it -> addresses.add(it.group(1)));
      }
    }
    return addresses;
  }

  @FunctionalInterface
  private interface Row {
    String gateway(FieldReader row) throws MalformedRowException;
  }

  private static void addGateways(SortedSet<String> addresses, Path file, Row row)
      throws IOException {
    if (!Files.exists(file)) {
      return; // a kernel without this family
    }
    try (InputStream in = new FileInputStream(file.toFile())) {
      ByteLineReader lines = new ByteLineReader(in);
      for (String line = lines.next(); line != null; line = lines.next()) {
        try {
          addresses.add(row.gateway(new FieldReader(line.replace('\t', ' '), line.length() - 1)));
        } catch (MalformedRowException e) {
          // the heading, or nothing to go by
        }
      }
    }
    addresses.remove("0.0.0.0");
  }

  /** Interface, destination and gateway of a route (fib_route_seq_show in fib_trie.c). */
  private static String gateway(FieldReader row) throws MalformedRowException {
    return ProcNetAddress.ofWords(row.skip(2).next(), 1, ByteOrder.nativeOrder());
  }

  /**
   * Destination, its prefix, source, its prefix, and next hop of a route, in network byte order
   * (rt6_info_route in route.c).
   */
  private static String gateway6(FieldReader row) throws MalformedRowException {
    String hop = row.skip(4).next();
    if (hop.length() != NO_GATEWAY.length() || hop.equals(NO_GATEWAY)) {
      throw new MalformedRowException("no gateway: '" + hop + "'");
    }
    return ProcNetAddress.ofWords(hop, 4, ByteOrder.BIG_ENDIAN);
  }
}
