package org.lsm.sentry;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Looks up hosts in the DNS, several at the same time. */
public final class Dns {
  /** RFC 1123, section 2.1; the owner of an address may put anything into its PTR record. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,253}");

  private static final int TIMEOUT_SECONDS = 5; // some name servers answer slowly on purpose

  private Dns() {}

  /** Returns a name of each address that resolves to it; empty where there is none. */
  public static Map<String, String> names(Collection<String> addresses) {
    return lookUp(addresses, Dns::name);
  }

  /** Returns the addresses of each name, with blanks between; empty where there is no answer. */
  public static Map<String, String> addresses(Collection<String> names) {
    return lookUp(names, Dns::addresses);
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

  private static Map<String, String> lookUp(
      Collection<String> all, Function<String, String> lookup) {
    Map<String, String> answers = new TreeMap<>();
    Map<String, CompletableFuture<String>> lookups = new TreeMap<>();
    try {
      for (String it : all) {
        answers.put(it, "");
        CompletableFuture<String> answer =
            CompletableFuture.supplyAsync(() -> lookup.apply(it), task -> new Thread(task).start());
        lookups.put(it, answer.completeOnTimeout("", TIMEOUT_SECONDS, TimeUnit.SECONDS));
      }
    } catch (OutOfMemoryError e) {
      // No more threads can be started: the others stay without an answer.
    }
    lookups.forEach((it, answer) -> answers.put(it, answer.join()));
    return answers;
  }

  private static String name(String address) {
    try {
      // Java checks that the name resolves to the address, and returns the address if it does not.
      String name = InetAddress.getByName(address).getCanonicalHostName();
      return !name.equals(address) && NAME.matcher(name).matches() ? name : "";
    } catch (UnknownHostException e) {
      return "";
    }
  }
}
