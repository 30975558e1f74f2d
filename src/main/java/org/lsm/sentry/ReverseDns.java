package org.lsm.sentry;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.lsm.model.ScanningHost;

/** Looks up the names of hosts in the DNS. */
public final class ReverseDns {
  /** RFC 1123, section 2.1; the owner of an address may put anything into its PTR record. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,253}");

  private static final int TIMEOUT_SECONDS = 5; // some name servers answer slowly on purpose

  private ReverseDns() {}

  /** Returns the hosts, those with a name that resolves to their address with it. */
  public static List<ScanningHost> resolve(List<ScanningHost> hosts) {
    try {
      List<CompletableFuture<ScanningHost>> lookups =
          hosts.stream()
              .map(
                  it ->
                      CompletableFuture.supplyAsync(
                              () -> resolve(it), task -> new Thread(task).start())
                          .completeOnTimeout(it, TIMEOUT_SECONDS, TimeUnit.SECONDS))
              .toList(); // so that they run at the same time
      return lookups.stream().map(CompletableFuture::join).toList();
    } catch (OutOfMemoryError e) {
      return hosts; // also thrown where no more threads can be started
    }
  }

  private static ScanningHost resolve(ScanningHost host) {
    try {
      // Java checks that the name resolves to the address, and returns the address if it does not.
      String name = InetAddress.getByName(host.address()).getCanonicalHostName();
      boolean found = !name.equals(host.address()) && NAME.matcher(name).matches();
      return found ? host.withName(name) : host;
    } catch (UnknownHostException e) {
      return host;
    }
  }
}
