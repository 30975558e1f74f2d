package org.lsm;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.InstalledLsm.Result;
import org.lsm.model.TextEscaper;

/** Unix sockets with deceptive names are reported in full, and the printed name can be used. */
class HostileSocketsIT {

  private static final List<String> KINDS = List.of("stream", "dgram", "seqpacket");
  private static final int LONGEST = 107;

  /**
   * One socket.
   *
   * @param kind its type
   * @param name as ISO 8859-1; an abstract name begins with NUL
   * @param printed the name as lsm prints it
   */
  private record Socket(String kind, String name, String printed) {

    String argument() {
      return "hex-unix-" + kind + "/" + HexFormat.of().formatHex(name.getBytes(ISO_8859_1));
    }

    /** The name as the table of the kernel has it: an at sign stands for NUL. */
    byte[] bytes() {
      return name.replace('\0', '@').getBytes(ISO_8859_1);
    }

    /** Escapes what has a meaning in an ignore rule. */
    String rule() {
      return "unix " + printed.replace(" ", "\\x20").replace("*", "\\x2a");
    }

    @Override
    public String toString() {
      return printed + " (" + kind + ")";
    }
  }

  /** Titles, names as ISO 8859-1, and names as lsm prints them. */
  private static List<String[]> names() {
    return List.of(
        name("newline", "a\nb", "a\\x0ab"),
        name("newline at the end", "newline at the end\n", "newline at the end\\x0a"),
        name("newline first", "\nb", "\\x0ab"),
        name("nothing but newlines", "\n\n\n", "\\x0a\\x0a\\x0a"),
        name(
            "lines",
            "a\n\nNEW      tcp/0.0.0.0:22\n",
            "a\\x0a\\x0aNEW\\x20\\x20\\x20\\x20\\x20\\x20tcp/0.0.0.0:22\\x0a"),
        name("CRLF", "x\r\nBcc: a@b", "x\\x0d\\x0aBcc: a@b"),
        name(
            "half a row",
            "a\n0000000000000000: 00000002 00000000 00010000 0001",
            "a\\x0a0000000000000000: 00000002 00000000 00010000 0001"),
        name("carriage return", "a\rb", "a\\x0db"),
        name("NUL", "a\0b\0", "a@b@"),
        name("tab", "a\tb", "a\\x09b"),
        name("escape sequence", "a\033[2J\033[31mb\007", "a\\x1b[2J\\x1b[31mb\\x07"),
        name("8-bit escape sequence", "a\302\2332Jb", "a\\u{9b}2Jb"),
        name("delete", "a\177\b", "a\\x7f\\x08"),
        name("no UTF-8", "a\377\200\303(", "a\\xff\\x80\\xc3("),
        name("one byte of CSI", "a\2332J", "a\\x9b2J"),
        name(
            "right to left",
            utf8("a\u202egnp.exe\u2066\u200f"),
            "a\\u{202e}gnp.exe\\u{2066}\\u{200f}"),
        name("invisible", utf8("a\u200b\ufeff\u00ad\u2028"), "a\\u{200b}\\u{feff}\\u{ad}\\u{2028}"),
        name("once CR and LF", utf8("x\u760d\u760aBcc"), "x\u760d\u760aBcc"),
        name("other scripts", utf8("größe監視\ud83d\ude00e\u0301"), "größe監視\ud83d\ude00e\u0301"),
        name("space", "a b", "a b"),
        name("spaces", "a  b", "a\\x20\\x20b"),
        name("space first", " c", " c"),
        name("space at the end", "c ", "c "),
        name("backslash", "a\\", "a\\\\"),
        name("what looks escaped", "a\\x0ab", "a\\\\x0ab"),
        name("star", "*", "*"),
        name("stars", "**", "**"),
        name("question mark", "a?", "a?"),
        name("comment", "a #b", "a #b"),
        name("option", "--all", "--all"),
        name("shell", "$(touch pwned)`touch pwned`;'\"", "$(touch pwned)`touch pwned`;'\""),
        name("HTML", "<script>&amp;\"'", "<script>&amp;\"'"),
        name("format", "%s%n$HOSTNAME{}", "%s%n$HOSTNAME{}"));
  }

  private static String[] name(String title, String bytes, String printed) {
    return new String[] {title, bytes, printed};
  }

  private static String utf8(String text) {
    return new String(text.getBytes(UTF_8), ISO_8859_1);
  }

  @TempDir static Path directory;
  private static final List<Socket> SOCKETS = new ArrayList<>();
  private static InstalledLsm lsm;
  private static TestNamespace namespace;
  private static OpenSockets other;
  private static OpenSockets open;
  private static Result compared;
  private static JsonObject report;

  @BeforeAll
  static void openAll() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may make a namespace");
    assumeTrue(Files.isExecutable(OpenSockets.PERL), "needs perl to open sockets");
    lsm = InstalledLsm.install(directory.resolve("local"), "MAILER=\"none\"\nSYSLOG=\"no\"\n");
    namespace = TestNamespace.create("hostile");
    // Without any socket lsm would report an error.
    other = namespace.open("tcp/127.0.0.1:22");
    assertEquals(0, run("-g").exitCode());
    SOCKETS.addAll(sockets().map(it -> (Socket) it.get()[1]).toList());
    open = namespace.open(SOCKETS.stream().map(Socket::argument).toArray(String[]::new));
    compared = run("compare", "--no-alert");
    report =
        JsonParser.parseString(run("compare", "--no-alert", "--format", "json").out())
            .getAsJsonObject();
  }

  @AfterAll
  static void closeAll() throws Exception {
    for (AutoCloseable it : Stream.of(open, other, namespace).filter(Objects::nonNull).toList()) {
      it.close();
    }
    if (lsm != null) {
      lsm.purge();
    }
  }

  @AfterEach
  void clearRules() throws IOException {
    Files.writeString(ignoreRules(), "");
  }

  /** Uses each name as an abstract one and, if possible, as a path, with socket types in turn. */
  private static Stream<Arguments> sockets() throws IOException {
    String folder = directory.toRealPath() + "/";
    List<Arguments> sockets = new ArrayList<>();
    for (String[] name : names()) {
      String kind = KINDS.get(sockets.size() % KINDS.size());
      Socket socket = new Socket(kind, "\0" + name[1], "@" + name[2]);
      sockets.add(arguments(name[0] + ", abstract", socket));
      if (name[1].matches("[^\0/]+")) {
        kind = KINDS.get(sockets.size() % KINDS.size());
        socket = new Socket(kind, folder + name[1], folder + name[2]);
        sockets.add(arguments(name[0] + ", path", socket));
      }
    }
    String longest = "y".repeat(LONGEST);
    Socket socket = new Socket("stream", "\0" + longest, "@" + longest);
    sockets.add(arguments("107 bytes, abstract", socket));
    String path = (folder + longest).substring(0, LONGEST);
    sockets.add(arguments("107 bytes, path", new Socket("dgram", path, path)));
    return sockets.stream();
  }

  private static Path ignoreRules() {
    return lsm.prefix().resolve("lsm/ignore.lsm");
  }

  private static Result run(String... arguments) throws Exception {
    return namespace.run(lsm.command(arguments));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("sockets")
  void reportsNameAndProgram(String title, Socket socket) throws Exception {
    String details = compared.details("unix/" + socket.printed());
    String process = InstalledLsm.process(OpenSockets.program(), "root", open.pid());
    assertTrue(details.contains(process), socket.printed() + " in " + compared.out());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("sockets")
  void writesNameToJsonByteForByte(String title, Socket socket) {
    List<byte[]> same = new ArrayList<>();
    for (JsonElement difference : report.getAsJsonArray("differences")) {
      JsonObject fields = difference.getAsJsonObject();
      if (fields.get("socket").getAsString().equals("unix/" + socket.printed())) {
        same.add(DecodedText.bytes(TextEscaper.unescape(fields.get("address").getAsString())));
        assertEquals("[" + open.pid() + "]", fields.get("pids").toString());
      }
    }
    assertEquals(1, same.size());
    assertArrayEquals(socket.bytes(), same.get(0));
  }

  @Test
  void reportsNothingElse() {
    assertEquals(1, compared.exitCode());
    assertEquals("", compared.err());
    assertTrue(compared.out().contains(": " + SOCKETS.size() + " NEW\n"), compared.out());
    assertFalse(compared.out().contains("\nNote"), compared.out());
    assertEquals("[]", report.get("notes").toString());
    assertFalse(Files.exists(Path.of("pwned")));
  }

  /** Accepts every second name, so that a name that is a pattern cannot accept the others. */
  @Test
  void acceptsPrintedNames() throws Exception {
    Path baseline = lsm.state().resolve("baseline");
    byte[] before = Files.readAllBytes(baseline);
    try {
      assertAccepted(
          IntStream.range(0, SOCKETS.size()).filter(i -> i % 2 == 0), SOCKETS.size() / 2);
      assertEquals(1, run("compare", "--no-alert").exitCode());
      assertAccepted(IntStream.range(0, SOCKETS.size()).filter(i -> i % 2 == 1), 0);
      assertEquals(0, run("compare", "--no-alert").exitCode());
    } finally {
      Files.write(baseline, before);
    }
  }

  private static void assertAccepted(IntStream chosen, int left) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("accept"));
    chosen.forEach(i -> arguments.add("unix/" + SOCKETS.get(i).printed()));
    Result accepted = run(arguments.toArray(String[]::new));
    assertEquals(0, accepted.exitCode(), accepted.toString());
    assertTrue(accepted.out().endsWith("\n" + left + " differences remain\n"), accepted.out());
  }

  @Test
  void ignoresPrintedNameAndNoOther() throws Exception {
    Files.write(ignoreRules(), SOCKETS.stream().map(Socket::rule).toList());
    assertEquals(0, run("compare", "--no-alert").exitCode());
    String listed = run("list", "--all").out();
    for (int i = 0; i < SOCKETS.size(); i++) {
      String mark = "(ignored by ignore.lsm:" + (i + 1) + ")";
      List<String> rows = listed.lines().filter(line -> line.endsWith(mark)).toList();
      assertEquals(1, rows.size(), SOCKETS.get(i) + " in " + listed);
      assertTrue(rows.get(0).startsWith("unix/" + SOCKETS.get(i).printed() + " "), rows.get(0));
    }
  }
}
