package org.lsm.sentry;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.lsm.model.ScanningHost;

/** Names of hosts in the DNS, as far as they are told in time. */
public final class ReverseDns {

  /** RFC 1123, section 2.1: who scans may have put anything else there. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,253}");

  /** For all of them, for it may be the server of who scans that has to answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private ReverseDns() {}

  /** The same hosts, with a name if they have one that leads back to their address. */
  public static List<ScanningHost> with(List<ScanningHost> hosts) {
    try {
      return ask(hosts);
    } catch (OutOfMemoryError e) {
      return hosts; // there can be no more threads, or there is no more memory
    }
  }

  private static List<ScanningHost> ask(List<ScanningHost> hosts) {
    List<CompletableFuture<ScanningHost>> asked =
        hosts.stream()
            .map(host -> CompletableFuture.supplyAsync(() -> with(host), ReverseDns::start))
            .toList();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    return IntStream.range(0, hosts.size())
        .mapToObj(i -> answer(asked.get(i), hosts.get(i), deadline - System.nanoTime()))
        .toList();
  }

  private static ScanningHost answer(
      CompletableFuture<ScanningHost> asked, ScanningHost otherwise, long nanos) {
    return asked.completeOnTimeout(otherwise, Math.max(nanos, 1), TimeUnit.NANOSECONDS).join();
  }

  private static ScanningHost with(ScanningHost host) {
    try {
      // A name that does not lead back to the address is not believed by this either.
      String name = InetAddress.getByName(host.address()).getCanonicalHostName();
      boolean found = !name.equals(host.address()) && NAME.matcher(name).matches();
      return found ? host.named(name) : host;
    } catch (UnknownHostException e) {
      return host;
    }
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "name");
    thread.setDaemon(true);
    thread.start();
  }
}
