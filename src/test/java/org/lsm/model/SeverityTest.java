package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How urgent a difference is; joe and eve log in, all others are services. */
class SeverityTest {
  private static final Predicate<String> LOGIN = Set.of("joe", "eve")::contains;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        // type, socket, users before, users now, flags of socket and process, severity
        "NEW     | tcp 0.0.0.0:80       | -         | www       | BEYOND_LOOPBACK   | NORMAL",
        "NEW     | tcp 0.0.0.0:8000     | -         | joe       | BEYOND_LOOPBACK   | NORMAL",
        "NEW     | tcp 192.0.2.7:22     | -         | joe       | BEYOND_LOOPBACK   | NORMAL",
        "NEW     | tcp 127.0.0.1:8888   | -         | joe       | -                 | LOW",
        "NEW     | udp 127.0.0.53:53    | -         | joe       | -                 | LOW",
        "NEW     | tcp6 [::1]:6010      | -         | joe       | -                 | LOW",
        "NEW     | tcp6 [::ffff:127.0.0.1]:1 | -    | joe       | -                 | LOW",
        "NEW     | unix /tmp/x          | -         | joe       | -                 | LOW",
        "NEW     | unix @x              | -         | joe,eve   | ALREADY_CLOSED    | LOW",
        "NEW     | unix @x              | -         | joe       | INTERPRETER       | LOW",
        "NEW     | unix /run/x          | -         | root      | -                 | NORMAL",
        "NEW     | unix /run/x          | -         | joe,root  | -                 | NORMAL",
        "NEW     | unix /run/x          | -         | joe,?     | -                 | NORMAL",
        "NEW     | unix /run/x          | -         | -         | NO_PROCESS        | NORMAL",
        "NEW     | tcp 127.0.0.1:1      | -         | (joe)     | NO_PROCESS        | LOW",
        "NEW     | tcp 127.0.0.1:1      | -         | eve,(joe) | MAKER_DIFFERS     | HIGH",
        // The attack: what a service held before, or was made for, is not a matter of login users.
        "CHANGED | unix /run/db         | mysql     | joe       | -                 | NORMAL",
        "CHANGED | tcp 127.0.0.1:3306   | mysql     | mysql,joe | -                 | NORMAL",
        "CHANGED | unix /tmp/x          | joe       | eve       | -                 | LOW",
        "CHANGED | unix /tmp/x          | -         | joe       | -                 | LOW",
        "CHANGED | unix /tmp/x          | joe       | -         | NO_PROCESS        | NORMAL",
        "CHANGED | tcp 0.0.0.0:22       | root      | root      | PROGRAM_REPLACED  | HIGH",
        "GONE    | unix /tmp/x          | joe       | joe       | -                 | LOW",
        "GONE    | tcp 127.0.0.1:3306   | mysql     | mysql     | -                 | NORMAL",
        "GONE    | tcp 0.0.0.0:80       | joe       | joe       | -                 | NORMAL",
        "GONE    | packet *:0x0003      | joe       | joe       | -                 | NORMAL",
        "NEW     | packet *:0x0003      | -         | joe       | SNIFFER           | HIGH",
        "NEW     | unix @x              | -         | joe       | MEMFD             | HIGH",
        "NEW     | tcp 127.0.0.1:1      | -         | joe       | WORLD_WRITABLE    | HIGH",
        "NEW     | tcp 0.0.0.0:1        | -         | joe       | BEYOND_LOOPBACK INTERPRETER | HIGH",
        // Outbound connections: of a person or root, of a system user, and what is suspicious
        // anywhere.
        "NEW     | out-tcp public:443   | -         | joe       | -                 | LOW",
        "NEW     | out-tcp public:443   | -         | root      | -                 | LOW",
        "NEW     | out-udp private:53   | -         | root,joe  | -                 | LOW",
        "NEW     | out-tcp public:ephemeral | -     | joe       | -                 | LOW",
        "NEW     | out-tcp public:443   | -         | joe       | INTERPRETER       | LOW",
        "NEW     | out-tcp public:443   | -         | root      | INTERPRETER       | LOW",
        "NEW     | out-tcp public:443   | -         | www       | SYSTEM_USER       | LOW",
        "NEW     | out-tcp public:443   | -         | www       | SYSTEM_USER INTERPRETER | HIGH",
        "NEW     | out-tcp public:443   | -         | www       | SYSTEM_USER NEW_PORT | HIGH",
        "NEW     | out-udp link-local:1 | -         | www       | NEW_PORT          | HIGH",
        "NEW     | out-tcp public:443   | -         | joe       | PROGRAM_DELETED   | HIGH",
        "NEW     | out-tcp public:443   | -         | root      | MEMFD             | HIGH",
        "NEW     | out-tcp public:443   | -         | joe       | WORLD_WRITABLE    | HIGH",
      })
  void ofDifference(
      DifferenceType type, String socket, String before, String now, String flags, Severity high) {
    String[] words = socket.split(" ", -1);
    Endpoint endpoint = Endpoint.of(words[0], words[1]);
    SocketEntry entry = entry(endpoint, now);
    SocketEntry was = type == DifferenceType.CHANGED ? entry(endpoint, before) : entry;
    SocketDetails details = type == DifferenceType.GONE ? SocketDetails.UNKNOWN : details(flags);
    assertEquals(high, Severity.of(new Difference(type, was, entry), details, LOGIN));
  }

  /** The details of a socket beyond the first hundreds are not read: it may have any flag. */
  @Test
  void withUnknownDetailsIsNotLow() {
    SocketEntry entry = entry(Endpoint.of("unix", "@x"), "joe");
    Difference difference = new Difference(DifferenceType.NEW, entry, entry);
    assertEquals(Severity.NORMAL, Severity.of(difference, SocketDetails.UNKNOWN, LOGIN));
    assertEquals(Severity.LOW, Severity.of(difference, details(null), LOGIN));
  }

  /** The process of an outbound connection that is over is never known. */
  @Test
  void outboundWithUnknownDetailsIsLow() {
    SocketEntry entry = entry(Endpoint.of("out-tcp", "public:443"), "www");
    Difference difference = new Difference(DifferenceType.NEW, entry, entry);
    assertEquals(Severity.LOW, Severity.of(difference, SocketDetails.UNKNOWN, LOGIN));
  }

  /** A new flag is suspicious until somebody decides otherwise. */
  @ParameterizedTest
  @EnumSource
  void eachFlagIsEitherSuspiciousOrAProperty(Flag flag) {
    SocketDetails details = details(Flag.BEYOND_LOOPBACK + " " + flag);
    Set<Flag> all = EnumSet.of(Flag.BEYOND_LOOPBACK, flag);
    Set<Flag> properties =
        EnumSet.of(
            Flag.ALREADY_CLOSED,
            Flag.NO_PROCESS,
            Flag.OUTSIDE_PID_NAMESPACE,
            Flag.BEYOND_LOOPBACK,
            Flag.SYSTEM_USER);
    assertEquals(properties.contains(flag) ? Set.of() : Set.of(flag), Severity.suspicious(details));
    all.removeAll(Severity.suspicious(details));
    assertEquals(all, Severity.properties(details));
  }

  private static SocketEntry entry(Endpoint endpoint, String users) {
    Stream<String> names = users == null ? Stream.of() : Stream.of(users.split(",", -1));
    return new SocketEntry(
        endpoint,
        names
            .map(
                it ->
                    it.startsWith("(")
                        ? Owner.maker(it.substring(1, it.length() - 1))
                        : it.equals("?") ? Owner.UNKNOWN : new Owner(it, "/bin/x"))
            .collect(Collectors.toCollection(TreeSet::new)),
        List.of());
  }

  /** Details with flags, INTERPRETER and MEMFD as those of a process. */
  private static SocketDetails details(String flags) {
    Set<Flag> ofSocket = EnumSet.noneOf(Flag.class);
    if (flags != null) {
      Stream.of(flags.split(" ", -1)).map(Flag::valueOf).forEach(ofSocket::add);
    }
    Set<Flag> ofProcess = EnumSet.of(Flag.INTERPRETER, Flag.MEMFD);
    ofProcess.retainAll(ofSocket);
    ofSocket.removeAll(ofProcess);
    ProcessRef process = new ProcessRef(7, 7, Instant.EPOCH, new Owner("joe", "/bin/x"));
    ProcessDetails details = new ProcessDetails(process, "", "", "", List.of(), ofProcess);
    return new SocketDetails("", List.of(), List.of(details), ofSocket, Optional.empty());
  }
}
