package org.lsm.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Set;
import org.lsm.model.HostInfo;
import org.lsm.model.PortSet;
import org.lsm.model.SocketIdentity;

/** The host as the kernel describes it under a mounted {@code /proc} (proc(5)). */
public record KernelInfo(Path proc) {
  private static final int TEMPORARY = 0x01;
  private static final int PERMANENT = 0x80;

  /** The host at a moment, which this version of lsm scans. */
  public HostInfo hostInfo(Instant time, String version) throws IOException {
    Instant seconds = time.truncatedTo(ChronoUnit.SECONDS);
    return new HostInfo(read("hostname"), read("osrelease"), seconds, version);
  }

  /** When the host was started. */
  Instant bootTime() throws IOException {
    Path stat = proc.resolve("stat");
    String seconds = ProcFile.readLine(stat, "btime").trim();
    return Instant.ofEpochSecond(ProcFile.parseNumber(seconds, stat));
  }

  /** What the kernel chooses of the names of sockets; ports for the protocols of this scope. */
  public SocketIdentity socketIdentity(SocketIdentity.Scope scope) throws IOException {
    requireMounted();
    Path settings = proc.resolve("sys/net/ipv4");
    Path file = settings.resolve("ip_local_port_range");
    String[] range = ProcFile.read(file).trim().split("\\s+", -1);
    if (range.length != 2 || !(range[0] + range[1]).matches("\\d{2,10}")) {
      throw new IOException(file + ": not a range of ports: '" + String.join(" ", range) + "'");
    }
    return new SocketIdentity(
        scope,
        Integer.parseInt(range[0]),
        Integer.parseInt(range[1]),
        reservedPorts(settings.resolve("ip_local_reserved_ports")),
        dynamicAddresses(proc.resolve("net/if_inet6")),
        Set.of());
  }

  private static PortSet reservedPorts(Path file) throws IOException {
    try {
      // The kernel accepts port 0 as well.
      String text = Files.exists(file) ? ProcFile.read(file) : "";
      return PortSet.parse(text.strip().replaceFirst("^0(-|,|$)", "1$1"));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": it " + e.getMessage());
    }
  }

  /**
   * The addresses that are temporary or have a lifetime, by rows of address, interface, length of
   * the prefix, scope, flags (IFA_F_* of linux/if_addr.h) and name; none without IPv6.
   */
  private static Set<String> dynamicAddresses(Path file) throws IOException {
    Set<String> addresses = new HashSet<>();
    String text = Files.exists(file) ? ProcFile.read(file) : "";
    for (String line : text.split("\n", -1)) {
      try {
        FieldReader fields = new FieldReader(line);
        String address = fields.next();
        int flags = fields.skip(3).number(16, 0xFF);
        if ((flags & (TEMPORARY | PERMANENT)) != PERMANENT) {
          addresses.add(ProcNetAddress.ofHex(address));
        }
      } catch (MalformedRowException e) {
        // sockets at this address are compared by it
      }
    }
    return addresses;
  }

  /** The names (comm) of the processes that this user can see. */
  public Set<String> processNames() throws IOException {
    Set<String> names = new HashSet<>();
    for (Path process : ProcFile.list(proc)) {
      if (Character.isDigit(process.getFileName().toString().charAt(0))) {
        try {
          names.add(ProcFile.decode(process.resolve("comm")).stripTrailing());
        } catch (IOException e) {
          // the process has ended
        }
      }
    }
    return names;
  }

  /** The effective capabilities of lsm, in hexadecimal (capabilities(7)). */
  public String capabilities() throws IOException {
    return ProcFile.readLine(proc.resolve("self/status"), "CapEff:").trim();
  }

  /** Identifies the boot of the host (random(4)). */
  public String bootId() throws IOException {
    return read("random/boot_id");
  }

  /**
   * Whether connections follow all listeners in the tables of TCP. Before Linux 4.4, half-open ones
   * follow their listener (listening_get_next in tcp_ipv4.c); gVisor, which calls itself 4.4.0,
   * prints rows in order of creation.
   */
  boolean listsListenersFirst() throws IOException {
    return isAtLeast(4, 5);
  }

  /** Whether fdinfo marks unix sockets: since Linux 5.6 (unix_show_fdinfo in af_unix.c). */
  boolean marksUnixSockets() throws IOException {
    return isAtLeast(5, 6);
  }

  /** Whether the kernel has at least this version; false if it does not show its version. */
  private boolean isAtLeast(int major, int minor) throws IOException {
    String[] numbers = read("osrelease").split("\\.", 3); // a quiet run compiles no patterns
    try {
      int first = Integer.parseInt(numbers[0]);
      return first > major
          || (first == major && numbers.length > 1 && Integer.parseInt(numbers[1]) >= minor);
    } catch (NumberFormatException e) {
      return false;
    }
  }

  /** Fails if there are no socket tables to read. */
  void requireMounted() throws IOException {
    Path net = proc.resolve("net");
    if (!Files.isDirectory(net)) {
      throw new IOException("cannot read " + net + ": no such directory; is /proc mounted?");
    }
  }

  private String read(String name) throws IOException {
    return ProcFile.decode(proc.resolve("sys/kernel").resolve(name)).strip();
  }
}
