package org.lsm.proc;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the gateways and DNS servers that this host depends on, and its neighbours. */
public final class GatewaysAndResolvers {
  private static final long RTF_LOCAL = 0x8000_0000L; // linux/ipv6_route.h
  private static final Pattern NAMESERVER =
      Pattern.compile("(?m)^\\h*nameserver\\h+([0-9a-fA-F:.]+)(%\\S*)?(\\h.*)?$");

  private GatewaysAndResolvers() {}

  /**
   * Returns the addresses of the gateways in {@code /proc/net/route} and {@code ipv6_route}, and of
   * the name servers in files like resolv.conf(5). Skips malformed lines and missing files.
   */
  public static SortedSet<String> addresses(Path proc, List<Path> resolvers) throws IOException {
    SortedSet<String> addresses = new TreeSet<>();
    // Interface, destination, gateway (fib_route_seq_show in fib_trie.c).
    addGateways(addresses, proc.resolve("net/route"), 2, 1, ByteOrder.nativeOrder());
    // Destination and prefix, source and prefix, next hop in network byte order (rt6_info_route).
    addGateways(addresses, proc.resolve("net/ipv6_route"), 4, 4, ByteOrder.BIG_ENDIAN);
    addresses.removeAll(Set.of("0.0.0.0", "::"));
    for (Path file : resolvers) {
      if (Files.isRegularFile(file)) {
        Matcher nameserver = NAMESERVER.matcher(ProcFile.read(file));
        while (nameserver.find()) {
          addresses.add(nameserver.group(1));
        }
      }
    }
    return addresses;
  }

  /**
   * Returns the IPv6 networks, of 64 bits and more, whose hosts this one reaches without a gateway.
   */
  public static SortedSet<String> neighbours(Path proc) throws IOException {
    SortedSet<String> networks = new TreeSet<>(Set.of("fe80::/10"));
    ProcFile.readRows(
        proc.resolve("net/ipv6_route"),
        route -> {
          String network = ProcNetAddress.ofWords(route.next(), 4, ByteOrder.BIG_ENDIAN);
          int prefix = route.number(16, 128);
          boolean isOnLink = route.skip(2).next().matches("0+");
          long flags = Long.parseLong(route.skip(3).next(), 16);
          boolean isOwn = (flags & RTF_LOCAL) != 0; // an address of this host
          if (isOnLink && prefix >= 64 && !isOwn) {
            networks.add(network + "/" + prefix);
          }
        });
    return networks;
  }

  /** Adds the field behind {@code skip} others, an address of so many words, of each row. */
  private static void addGateways(Set<String> to, Path file, int skip, int words, ByteOrder order)
      throws IOException {
    ProcFile.readRows(
        file, it -> to.add(ProcNetAddress.ofWords(it.skip(skip).next(), words, order)));
  }
}
