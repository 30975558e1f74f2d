package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.model.SocketIdentity.Scope;

class DiffTest {
  private static final Instant LATER = Instant.parse("2027-01-01T00:00:00Z");

  private static final Endpoint SSH = Endpoint.of("tcp", "0.0.0.0:22");

  private static final HostInfo HOST =
      new HostInfo("web1", "6.1.0", Instant.parse("2026-01-01T00:00:00Z"), "1.0.0");

  private static final SocketIdentity UDP_PORTS = new SocketIdentity(Scope.UDP, 32768, 60999);

  /** Owners as user:program, "-" for no entry at all, "" for held by no process. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # before             | after                | difference
          -                    | root:/bin/a          | NEW
          -                    | ''                   | NEW
          -                    | ?:?                  | NEW
          root:/bin/a          | -                    | GONE
          ''                   | -                    | GONE
          ?:?                  | -                    | GONE
          root:/bin/a          | root:/bin/a          |
          root:/bin/a          | root:/bin/b          | CHANGED
          root:/bin/a          | www:/bin/a           | CHANGED
          root:/bin/a          | ''                   | CHANGED
          ''                   | root:/bin/a          | CHANGED
          ''                   | ''                   |
          # helpers come and go; a new owner beside a known one is a change
          root:/bin/a w:/bin/h | root:/bin/a          |
          root:/bin/a w:/bin/h | w:/bin/h             |
          root:/bin/a w:/bin/h | w:/bin/h root:/bin/a |
          root:/bin/a          | root:/bin/a w:/bin/h | CHANGED
          root:/bin/a w:/bin/h | root:/bin/a w:/bin/x | CHANGED
          root:/bin/a w:/bin/h | ''                   | CHANGED
          # an unknown owner is not a change
          root:/bin/a          | ?:?                  |
          ''                   | ?:?                  |
          ?:?                  | ?:?                  |
          root:/bin/a          | root:/bin/a ?:?      |
          root:/bin/a w:/bin/h | root:/bin/a ?:?      |
          # a maker is known if one of the owners is his
          root:/bin/a          | root:/bin/a e:(maker) | CHANGED
          e:/bin/b root:/bin/a | root:/bin/a e:(maker) |
          e:(maker)            | e:(maker)            |
          e:(maker)            | f:(maker)            | CHANGED
          # a socket that nobody holds any more has changed, whoever made it
          e:/bin/b             | e:(maker)            | CHANGED
          e:(maker)            | e:/bin/b             | CHANGED
          ''                   | e:(maker)            | CHANGED
          e:(maker)            | ''                   |
          # a new owner is, even beside an unknown one
          root:/bin/a          | w:/bin/x ?:?         | CHANGED
          ''                   | w:/bin/x ?:?         | CHANGED
          # an unknown owner in the baseline does not stand for a known one
          ?:?                  | root:/bin/a          | CHANGED
          ?:?                  | ''                   | CHANGED
          root:/bin/a ?:?      | root:/bin/a          |
          root:/bin/a ?:?      | root:/bin/b          | CHANGED
          """)
  void comparesOwners(String before, String after, DifferenceType type) {
    Diff diff = Diff.between(sshd(before), sshd(after), SocketIdentity.NONE);
    assertEquals(
        type == null ? List.of() : List.of(type),
        diff.differences().stream().map(Difference::type).toList());
    assertEquals(type == null, diff.isEmpty());
  }

  /** An optional socket, what is there now, the difference, and all that a later scan may find. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # before    | after      | difference | accepted
          root:/bin/a | -          |            |
          root:/bin/a | root:/bin/a |           |
          root:/bin/a | root:/bin/b | CHANGED   | root:/bin/b
          root:/bin/a | root:/bin/a w:/bin/x | CHANGED | root:/bin/a w:/bin/x
          root:/bin/a | ''         | CHANGED    | ''
          """)
  void optionalSocketsMayBeAbsent(
      String before, String after, DifferenceType type, String accepted) {
    Snapshot plain = sshd(before);
    Snapshot baseline = plain.withOptional(plain.sockets().keySet());
    Diff diff = Diff.between(baseline, sshd(after), SocketIdentity.NONE);
    assertEquals(
        type == null ? List.of() : List.of(type),
        diff.differences().stream().map(Difference::type).toList());
    Snapshot next = diff.applyTo(baseline, SocketIdentity.NONE, LATER);
    assertEquals(baseline.optional(), next.optional());
    if (accepted != null) {
      assertEquals(sshd(accepted).sockets().get(SSH).owners(), next.sockets().get(SSH).owners());
    }
  }

  /** What was GONE is removed, unless it is accepted as optional. */
  @ParameterizedTest
  @CsvSource({"false, 0", "true, 1"})
  void keepsOptionalSocketThatIsGone(boolean isOptional, int left) {
    Diff gone = Diff.between(sshd("root:/bin/a"), sshd("-"), SocketIdentity.NONE);
    Diff accepted = isOptional ? new Diff(List.of(gone.differences().get(0).asOptional())) : gone;
    Snapshot next = accepted.applyTo(sshd("root:/bin/a"), SocketIdentity.NONE, LATER);
    assertEquals(left, next.sockets().size());
    assertEquals(left, next.optional().size());
  }

  @Test
  void ignoresRestart() {
    assertTrue(Diff.between(heldBy(100, 0), heldBy(200, 3600), SocketIdentity.NONE).isEmpty());
  }

  @Test
  void hasEntriesOfBothSnapshots() {
    SocketEntry old = entry("tcp", "0.0.0.0:22", "root:/bin/a");
    SocketEntry now = entry("tcp", "0.0.0.0:22", "root:/bin/b");
    assertEquals(List.of(new Difference(DifferenceType.CHANGED, old, now)), differences(old, now));
    SocketEntry other = entry("tcp", "0.0.0.0:23", "root:/bin/b");
    assertEquals(
        List.of(
            new Difference(DifferenceType.NEW, other, other),
            new Difference(DifferenceType.GONE, old, old)),
        differences(old, other));
  }

  @Test
  void sortsByTypeAndEndpoint() {
    Snapshot before =
        snapshot(
            entry("unix", "/gone", "root:/bin/a"),
            entry("tcp", "0.0.0.0:2", "root:/bin/a"),
            entry("tcp", "0.0.0.0:80", "root:/bin/a"),
            entry("udp", "0.0.0.0:9", "root:/bin/a"),
            entry("tcp", "0.0.0.0:100", "root:/bin/a"));
    Snapshot after =
        snapshot(
            entry("udp", "0.0.0.0:9", "root:/bin/b"),
            entry("tcp", "0.0.0.0:80", "root:/bin/b"),
            entry("unix", "/new", "root:/bin/a"),
            entry("tcp", "0.0.0.0:100", "root:/bin/a"),
            entry("tcp", "0.0.0.0:3", "root:/bin/a"));
    Diff diff = Diff.between(before, after, SocketIdentity.NONE);
    assertEquals(
        List.of(
            "NEW tcp/0.0.0.0:3",
            "NEW unix//new",
            "CHANGED tcp/0.0.0.0:80",
            "CHANGED udp/0.0.0.0:9",
            "GONE tcp/0.0.0.0:2",
            "GONE unix//gone"),
        diff.differences().stream().map(d -> d.type() + " " + d.endpoint()).toList());
    assertEquals(
        List.of(2, 2, 2),
        Stream.of(DifferenceType.values()).map(it -> diff.of(it).size()).toList());
  }

  @Test
  void distinguishesProtocols() {
    assertEquals(
        List.of(DifferenceType.NEW, DifferenceType.GONE),
        differences(entry("udp", "0.0.0.0:53", ""), entry("tcp", "0.0.0.0:53", "")).stream()
            .map(Difference::type)
            .toList());
  }

  /** Entries as local address, space, owners; the port range is 32768 to 60999. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # scope and table, before, after, difference
          UDP  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:40000 u:/a     | ''
          UDP  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 u:/a     | ''
          UDP  | udp | 0.0.0.0:ephemeral u:/a | 0.0.0.0:50000 u:/a     | ''
          UDP  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 u:/b     | NEW udp/0.0.0.0:50000
          UDP  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 v:/a     | NEW udp/0.0.0.0:50000
          UDP  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:40000 u:/b     | NEW udp/0.0.0.0:40000
          UDP  | udp | 0.0.0.0:40000 u:/a     | 127.0.0.1:40000 u:/a   | NEW udp/127.0.0.1:40000
          UDP  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 u:/a v:/b | NEW udp/0.0.0.0:50000
          UDP  | udp | 0.0.0.0:40000 u:/a v:/b | 0.0.0.0:50000 v:/b    | ''
          UDP  | udp | 0.0.0.0:40000 u:/a     | -                      | ''
          UDP  | udp | 0.0.0.0:ephemeral u:/a | -                      | ''
          UDP  | udp | -                      | 0.0.0.0:50000 u:/a     | NEW udp/0.0.0.0:50000
          # what no process holds counts by its user, who is root where there is no maker
          UDP  | udp | -                      | 0.0.0.0:40000          | NEW udp/0.0.0.0:40000
          UDP  | udp | 0.0.0.0:40000          | -                      | ''
          UDP  | udp | 0.0.0.0:40000          | 0.0.0.0:40001          | ''
          UDP  | udp | 0.0.0.0:40000 root:/a  | 0.0.0.0:40001          | NEW udp/0.0.0.0:40001
          UDP  | udp | 0.0.0.0:40000          | 0.0.0.0:40001 e:(maker) | NEW udp/0.0.0.0:40001
          UDP  | udp | 0.0.0.0:40000 e:/a     | 0.0.0.0:40001 e:(maker) | NEW udp/0.0.0.0:40001
          UDP  | udp | 0.0.0.0:40000          | 0.0.0.0:40001 root:/a  | NEW udp/0.0.0.0:40001
          # by its number where the owner is not known
          UDP  | udp | 0.0.0.0:40000 ?:?      | 0.0.0.0:40000 ?:?      | ''
          UDP  | udp | 0.0.0.0:40000 ?:?      | -                      | GONE udp/0.0.0.0:40000
          # outside the range, and outside the scope
          UDP  | udp | 0.0.0.0:53 u:/a        | 0.0.0.0:54 u:/a        | NEW udp/0.0.0.0:54, GONE udp/0.0.0.0:53
          UDP  | udp | 0.0.0.0:53 u:/a        | 0.0.0.0:53 u:/b        | CHANGED udp/0.0.0.0:53
          UDP  | tcp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 v:/a     | NEW tcp/0.0.0.0:50000, GONE tcp/0.0.0.0:40000
          ALL  | tcp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 u:/a     | ''
          ALL  | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 u:/a     | ''
          NONE | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:50000 u:/a     | NEW udp/0.0.0.0:50000, GONE udp/0.0.0.0:40000
          NONE | udp | 0.0.0.0:40000 u:/a     | 0.0.0.0:40000 u:/b     | CHANGED udp/0.0.0.0:40000
          # namespaces are apart
          UDP  | a:udp | 0.0.0.0:40000 u:/a   | 0.0.0.0:50000 u:/a     | ''
          """)
  void comparesEphemeralPortsByOwner(
      Scope scope, String table, String before, String after, String expected) {
    SocketIdentity identity = new SocketIdentity(scope, 32768, 60999);
    Diff diff = Diff.between(identity.generalize(one(table, before)), one(table, after), identity);
    assertEquals(expected, format(diff));
  }

  @Test
  void distinguishesNamespaces() {
    Diff diff =
        Diff.between(
            one("a:udp", "0.0.0.0:ephemeral u:/a"), one("b:udp", "0.0.0.0:40000 u:/a"), UDP_PORTS);
    assertEquals("NEW b:udp/0.0.0.0:40000", format(diff));
  }

  @Test
  void ignoresMissingEphemeralPort() {
    Snapshot before =
        snapshot(
            entry("udp", "0.0.0.0:40000", "u:/a"), entry("udp", "0.0.0.0:40001", "root:/bin/b"));
    Snapshot after = snapshot(entry("udp", "0.0.0.0:40001", "u:/a"));
    assertEquals("", format(Diff.between(UDP_PORTS.generalize(before), after, UDP_PORTS)));
  }

  @Test
  void appliesDifferences() {
    Snapshot before =
        snapshot(
            entry("tcp", "0.0.0.0:22", "root:/bin/a"),
            entry("tcp", "0.0.0.0:80", "root:/bin/a"),
            entry("tcp", "0.0.0.0:81", "root:/bin/a"),
            entry("udp", "0.0.0.0:ephemeral", "u:/a"));
    Snapshot after =
        snapshot(
            entry("tcp", "0.0.0.0:22", "root:/bin/b"),
            entry("tcp", "0.0.0.0:81", "root:/bin/b"),
            entry("tcp", "0.0.0.0:90", "root:/bin/a"),
            entry("udp", "0.0.0.0:50000", "v:/b"),
            entry("udp", "127.0.0.1:50000", "v:/b"));
    List<Difference> all = Diff.between(before, after, UDP_PORTS).differences();
    assertEquals(6, all.size());
    for (Difference chosen : all) {
      Snapshot accepted = new Diff(List.of(chosen)).applyTo(before, UDP_PORTS, LATER);
      assertEquals(before.hostInfo().at(LATER), accepted.hostInfo());
      assertEquals(
          all.stream().filter(it -> !it.equals(chosen)).map(DiffTest::format).toList(),
          Diff.between(accepted, after, UDP_PORTS).differences().stream()
              .map(DiffTest::format)
              .toList());
    }
    Instant time = before.hostInfo().time();
    Snapshot accepted = new Diff(all).applyTo(before, UDP_PORTS, time);
    assertTrue(Diff.between(accepted, after, UDP_PORTS).isEmpty());
    assertEquals(
        snapshot(
            entry("tcp", "0.0.0.0:22", "root:/bin/b"),
            entry("tcp", "0.0.0.0:81", "root:/bin/b"),
            entry("tcp", "0.0.0.0:90", "root:/bin/a"),
            entry("udp", "0.0.0.0:ephemeral", "u:/a v:/b"),
            entry("udp", "127.0.0.1:ephemeral", "v:/b")),
        accepted);
  }

  @Test
  void appliesNoDifferences() {
    Snapshot before = snapshot(entry("tcp", "0.0.0.0:22", "root:/bin/a"));
    Instant time = before.hostInfo().time();
    assertEquals(before, new Diff(List.of()).applyTo(before, UDP_PORTS, time));
  }

  private static String format(Diff diff) {
    return String.join(", ", diff.differences().stream().map(DiffTest::format).toList());
  }

  private static String format(Difference difference) {
    return difference.type() + " " + difference.endpoint();
  }

  private static Snapshot one(String table, String entry) {
    if (entry.equals("-")) {
      return snapshot();
    }
    String[] words = (entry + " ").split(" ", 2);
    return snapshot(entry(table, words[0], words[1].strip()));
  }

  @Test
  void replacedProgramsAreChanged() {
    SocketEntry ssh = entry("tcp", "0.0.0.0:22", "root:/sshd");
    SocketEntry web = entry("tcp", "0.0.0.0:80", "www:/web");
    SocketEntry dns = entry("udp", "0.0.0.0:53", "dns:/dns");
    Diff diff = Diff.between(snapshot(ssh, dns), snapshot(ssh, web), SocketIdentity.NONE);
    assertEquals(
        List.of("NEW tcp/0.0.0.0:80", "CHANGED tcp/0.0.0.0:22", "GONE udp/0.0.0.0:53"),
        diff.withReplaced(List.of(web, ssh)).differences().stream()
            .map(it -> it.type() + " " + it.endpoint())
            .toList());
    assertEquals(Set.of("/sshd", "/web"), diff.withReplaced(List.of(ssh)).programs());
  }

  /** Another file is news, another process with the same file is not. */
  @Test
  void replacedFileIsPartOfTheIdentity() {
    Set<Owner> one = replacedBy(1, new ProgramFile(1, 2, 3, 4)).identity();
    assertEquals(one, replacedBy(2, new ProgramFile(1, 2, 3, 4)).identity());
    assertNotEquals(one, replacedBy(1, new ProgramFile(1, 9, 3, 4)).identity());
    SocketEntry ssh = entry("tcp", "0.0.0.0:22", "root:/bin/a");
    assertEquals(ssh.owners(), new Difference(DifferenceType.NEW, ssh, ssh).identity());
  }

  private static Difference replacedBy(int pid, ProgramFile file) {
    ProcessRef process =
        new ProcessRef(pid, 1, HOST.time(), new Owner("root", "/bin/a"), 0, file, 0);
    SocketEntry entry =
        SocketEntry.heldBy(
            Endpoint.of("tcp", "0.0.0.0:22"), new SocketOwners(List.of(process), true));
    return new Difference(DifferenceType.CHANGED, entry, entry);
  }

  private static List<Difference> differences(SocketEntry before, SocketEntry after) {
    return Diff.between(snapshot(before), snapshot(after), SocketIdentity.NONE).differences();
  }

  private static Snapshot sshd(String owners) {
    return owners.equals("-") ? snapshot() : snapshot(entry("tcp", "0.0.0.0:22", owners));
  }

  private static Snapshot heldBy(int pid, int seconds) {
    ProcessRef process =
        new ProcessRef(
            pid, seconds * 100L, HOST.time().plusSeconds(seconds), new Owner("root", "/bin/a"));
    return snapshot(
        SocketEntry.heldBy(
            Endpoint.of("tcp", "0.0.0.0:22"), new SocketOwners(List.of(process), true)));
  }

  private static SocketEntry entry(String protocol, String local, String owners) {
    TreeSet<Owner> set = new TreeSet<>();
    for (String owner : owners.isEmpty() ? new String[0] : owners.split(" ", -1)) {
      int colon = owner.indexOf(':');
      set.add(new Owner(owner.substring(0, colon), owner.substring(colon + 1)));
    }
    return new SocketEntry(Endpoint.of(protocol, local), set, List.of());
  }

  private static Snapshot snapshot(SocketEntry... entries) {
    return Snapshot.of(HOST, Arrays.asList(entries));
  }

  /** Many sockets of one owner hide no other owner. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # program and user of each, and which of them are chosen
          3 | a:x                     | 0
          3 | a:x a:x a:x             | 0 1 2
          3 | a:x a:x a:x a:x b:y     | 0 1 4
          3 | a:x a:x a:x a:x b:x     | 0 1 4
          3 | a:x b:x c:x d:x e:y     | 0 1 4
          2 | a:x b:x c:x d:x e:y     | 0 4
          2 | a:x a:x b:y b:y c:z c:z | 0 2
          4 | a:x b:x a:x b:x a:x     | 0 1 2 3
          """)
  void choosesInTurns(int max, String owners, String chosen) {
    List<Difference> all = new ArrayList<>();
    for (String owner : owners.split(" ", -1)) {
      String[] words = owner.split(":", -1);
      SocketEntry entry =
          new SocketEntry(
              new Endpoint("", Protocol.TCP, "0.0.0.0", all.size()),
              new TreeSet<>(List.of(new Owner(words[1], words[0]))),
              List.of());
      all.add(new Difference(DifferenceType.NEW, entry, entry));
    }
    assertEquals(
        chosen,
        new Diff(all)
            .of(DifferenceType.NEW, max).stream()
                .map(it -> Integer.toString(it.endpoint().port()))
                .collect(Collectors.joining(" ")));
  }
}
