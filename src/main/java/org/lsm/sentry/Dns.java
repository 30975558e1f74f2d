package org.lsm.sentry;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.ScanningHost;

/** Looks up hosts in the DNS, several at the same time. */
public final class Dns {
  /** RFC 1123, section 2.1; the owner of an address may put anything into its PTR record. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,253}");

  private static final int TIMEOUT_SECONDS = 5; // some name servers answer slowly on purpose

  private Dns() {}

  /** Returns the hosts, those with a name that resolves to their address with it. */
  public static List<ScanningHost> reverse(List<ScanningHost> hosts) {
    return lookUp(hosts, Dns::reverse, it -> it);
  }

  /** Returns the addresses of each name, with blanks between; empty where there is no answer. */
  public static Map<String, String> addresses(List<String> names) {
    Map<String, String> found = new TreeMap<>();
    List<String> answers = lookUp(names, Dns::addresses, it -> "");
    for (int i = 0; i < names.size(); i++) {
      found.put(names.get(i), answers.get(i));
    }
    return found;
  }

  private static String addresses(String name) {
    try {
      return Stream.of(InetAddress.getAllByName(name))
          .map(InetAddress::getHostAddress)
          .filter(it -> it.indexOf('%') < 0) // of one interface
          .sorted()
          .collect(Collectors.joining(" "));
    } catch (UnknownHostException e) {
      return "";
    }
  }

  private static <T, R> List<R> lookUp(
      List<T> all, Function<T, R> lookup, Function<T, R> withoutAnswer) {
    try {
      List<CompletableFuture<R>> lookups =
          all.stream()
              .map(
                  it ->
                      CompletableFuture.supplyAsync(
                              () -> lookup.apply(it), task -> new Thread(task).start())
                          .completeOnTimeout(
                              withoutAnswer.apply(it), TIMEOUT_SECONDS, TimeUnit.SECONDS))
              .toList(); // so that they run at the same time
      return lookups.stream().map(CompletableFuture::join).toList();
    } catch (OutOfMemoryError e) {
      return all.stream().map(withoutAnswer).toList(); // also if no more threads can be started
    }
  }

  private static ScanningHost reverse(ScanningHost host) {
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
