package org.lsm.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.APPEND;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.lsm.DecodedText.bytes;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.icegreen.greenmail.junit5.GreenMailExtension;
import com.icegreen.greenmail.util.GreenMailUtil;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.Header;
import jakarta.mail.Part;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lsm.MailServer;
import org.lsm.model.Endpoint;
import org.lsm.model.Owner;
import org.lsm.model.Snapshot;
import org.lsm.model.TextEscaper;
import org.lsm.sentry.SentryState;
import org.lsm.storage.ChecksummedText;
import org.lsm.storage.SnapshotFile;
import org.w3c.dom.Node;
import org.xml.sax.InputSource;

/**
 * Every hostile string stands in every place that others choose, and goes out by every way out: it
 * arrives as the text that it is, and changes nothing around it. What comes out is compared, word
 * for word, with what comes out where all names are harmless.
 */
@Timeout(120)
class HostileTextTest extends ChannelTestBase {

  private static final String ROW =
      "\n0000000000000000: 00000002 00000000 00010000 0001 01 99999 /run/sshd.sock\n";

  /** A byte that is no UTF-8 is a lone surrogate, as {@link TextEscaper#decode} makes it. */
  private static Stream<Arguments> hostileStrings() {
    return Stream.of(
        arguments("a header and a body", "x\r\nBcc: a@b\r\n\r\nall is well\n.\r\nQUIT\n"),
        arguments("carriage return", "x\rlsm: all is well"),
        arguments("NUL", "x\0y\0"),
        arguments("tabs", "x\t\troot\t/usr/sbin/sshd"),
        arguments("escape sequences", "x\u001b[2J\u001b[31mred\u001b]0;title\u0007\u001b\\y"),
        arguments("8-bit escape sequences", "x\u009b31m\u0085\u0090y\u009c"),
        arguments("bell, backspace, delete", "x\u0007\b\b\bNEW\u007f\u001a\u0004\u000e"),
        arguments(
            "bytes", "x\udcff\udc80y\udcc3\udcc0\udc8a\udced\udca0\udcbd\udc9b31m\udc8d\udc8a"),
        arguments("right to left", "x\u202egnp.exe\u2066\u2069\u200f\u200e\u061c"),
        arguments("nothing", "\u200b\u200d\u2060\ufeff\u00ad\u034f\u3164\u2800\ufe0f\udb40\udc41"),
        arguments("spaces and lines", "x\u00a0\u2003\u3000y  z   \u2028\u2029end"),
        arguments("once CR and LF", "x\u760d\u760aBcc: a@b\u010d\u010a"),
        arguments("wide signs", "\uff1cscript\uff1e\uff02\uff07\uff06\uff5c\uff20"),
        arguments("other planes", "\ud83d\ude00\ud834\udd1e\udcff\ue000\uffff\ud83f\udffe\u0378"),
        arguments("marks", "\u0338e\u0301\u0301\u0301\u20dd"),
        arguments("a script", "</p></section><script>alert(1)</script><!--"),
        arguments("out of an attribute", "\"><img src=x onerror='alert(1)'>"),
        arguments("entities", "&'&lt;b&gt;&#10;&amp;amp;]]>&"),
        arguments("substitutions", "$(touch pwned)`touch pwned`${IFS}$HOSTNAME $NEW $1 \\1"),
        arguments(
            "other commands", "; touch pwned; x' | touch pwned & touch pwned || \" > pwned #"),
        arguments("formats", "%s%n%x%1$s{}{0}${jndi:ldap://x/a}"),
        arguments("a backslash", "\\"),
        arguments("what looks escaped", "\\x0a\\u{202e}\\\\n\\"),
        arguments("107 bytes", "\n".repeat(107 - "@V-new".length())),
        arguments("64 KiB", ("z".repeat(1023) + "\u001b").repeat(64)),
        arguments("rows", "x" + ROW + ROW.strip()),
        arguments("encoded words", "=?utf-8?B?DQpCY2M6IGFAYg==?= =0D=0ABcc: a@b=\r\n"),
        arguments("an option", "--option=1 -x"),
        arguments("structured data", "\"] [lsm@32473 x=\"y\"] z"),
        arguments("metrics", "a\" b=\"c\"} 1\n# TYPE x gauge\nx 1"),
        arguments("JSON", "\",\"x\":[{\"y\":null}]}//"),
        arguments("a rule", "* # user=root program=**"),
        arguments("a difference", "  \n\nNEW      tcp/0.0.0.0:22\n         by nobody"));
  }

  @RegisterExtension
  static final GreenMailExtension GREEN_MAIL =
      new GreenMailExtension(MailServer.setup(ServerSetup.PROTOCOL_SMTP))
          .withPerMethodLifecycle(false);

  /** What comes out where all names are harmless. */
  private static Map<String, String> harmless;

  private final Map<String, String> outlets = new LinkedHashMap<>();
  private Names names;
  private List<Form> forms;

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostileStrings")
  void escapesTextInEveryOutput(String name, String hostile) throws Exception {
    Path root = directory;
    if (harmless == null) {
      harmless = outlets(Files.createDirectory(root.resolve("harmless")), "harmless");
    }

    Map<String, String> found = outlets(Files.createDirectory(root.resolve("hostile")), hostile);

    assertEquals(harmless.keySet(), found.keySet());
    assertAll(
        harmless.entrySet().stream()
            .map(it -> () -> assertEquals(it.getValue(), found.get(it.getKey()), it.getKey())));
    assertUsageErrorsAreSafe(Names.fit(hostile, "", 200));
    assertFalse(Files.exists(Path.of("pwned")), "no command ran");
  }

  // ---- in

  /**
   * Whatever others choose, each as much of a string as can stand there. Each begins with something
   * of its own, by which it is found again; but for the host, whose name begins what is printed.
   *
   * @param socket that is new; NUL is an at sign to the kernel, and a whole row in a name has tests
   *     of its own
   * @param gone that is gone
   * @param user in passwd(5)
   * @param program that opened the socket
   * @param former that held a socket before
   * @param command its command line
   * @param folder its working directory
   * @param unit its systemd unit; line ends are not understood there
   * @param parent the program of its parents
   * @param comm the name of a parent whose program cannot be seen
   * @param netns the name of a network namespace
   * @param host the name of the host, of which the kernel takes 64 bytes
   * @param words of a program that fails
   */
  private record Names(
      String socket,
      String gone,
      String user,
      String program,
      String former,
      String command,
      String folder,
      String unit,
      String parent,
      String comm,
      String netns,
      String host,
      String words) {

    static Names of(String text) {
      // Where two of them share a line, they must not be so long that it is cut; nor must programs.
      int some = bytes(text).length > 60 ? 12 : 60;
      return new Names(
          name("@V-new", text),
          name("@V-old", text),
          "V-user" + fit(text, "[:\n\udc80-\udcff]", some),
          path("/opt/V-new", fit(text, "", 400)),
          path("/opt/V-old", fit(text, "", some)),
          "V-run" + fit(text, "", 4000).replace('\0', ' ') + " end",
          path("/V-in", text),
          "V-unit" + fit(text, "[/\n]", 200) + ".service",
          path("/opt/V-parent", fit(text, "", 400)),
          "V-comm" + fit(text, "", 30) + "end",
          "V-net" + fit(text, "[/\0\udc80-\udcff]", 60),
          (fit(text, "[\udc80-\udcff]", 56) + "-V-host").strip(),
          "V-said" + fit(text, "[\udc80-\udcff]", 60_000) + "end");
    }

    private static String name(String start, String text) {
      return start + fit(text.replace('\0', '@').replace(ROW, "row"), "", 108 - start.length());
    }

    private static String path(String start, String text) {
      return (start + fit(text, "\0", 4000)).replaceAll("/{2,}", "/").replaceAll("/$", "");
    }

    /** A text without what cannot stand there, of so many bytes at most. */
    private static String fit(String text, String forbidden, int most) {
      StringBuilder fitting = new StringBuilder();
      int size = 0;
      for (int codePoint : text.replaceAll(forbidden, "").codePoints().toArray()) {
        size += bytes(Character.toString(codePoint)).length;
        if (size <= most) {
          fitting.appendCodePoint(codePoint);
        }
      }
      return fitting.toString();
    }

    Map<String, String> byPlace() {
      Map<String, String> all = new LinkedHashMap<>();
      all.put("socket", socket);
      all.put("gone", gone);
      all.put("user", user);
      all.put("program", program);
      all.put("former", former);
      all.put("command", command);
      all.put("folder", folder);
      all.put("unit", unit);
      all.put("parent", parent);
      all.put("comm", comm);
      all.put("netns", netns);
      all.put("host", host);
      all.put("words", words);
      return all;
    }
  }

  /** Any bytes but NUL as a path, whatever the locale. */
  private static Path rawPath(String path) {
    StringBuilder uri = new StringBuilder("file://");
    for (byte b : bytes(path)) {
      uri.append(b == '/' ? "/" : String.format(Locale.ROOT, "%%%02x", b));
    }
    return Path.of(URI.create(uri.toString()));
  }

  private void write(String file, String text) throws IOException {
    Path path = proc.path().resolve(file);
    Files.createDirectories(path.getParent());
    Files.write(path, bytes(text));
  }

  private void link(String link, String target) throws IOException {
    Path path = proc.path().resolve(link);
    Files.deleteIfExists(path);
    Files.createSymbolicLink(path, rawPath(target));
  }

  private void unix(String name, long inode) throws IOException {
    String columns = "0000000000000000: 00000002 00000000 00010000 0001 01   ";
    String row = columns + inode + " " + name + "\n"; // the inode takes five places
    Files.write(proc.path().resolve("net/unix"), bytes(row), APPEND);
  }

  /** The host before: what will be gone, and what will change hands. */
  private void openOld() throws IOException {
    write("sys/kernel/hostname", names.host() + "\n");
    Files.write(
        directory.resolve("passwd"),
        bytes("root:x:0:0::/root:/bin/sh\n" + names.user() + ":x:33:33::/:\n"));
    proc.namespace("self", 1).namespace(1, 1).tcp("127.0.0.1", 8080, 811);
    unix(names.gone(), 812);
    proc.process(81, 33, "/x", 50, 811, 812);
    link("81/exe", names.former());
    link("1/exe", names.parent());
  }

  /** And after. */
  private void openNew() throws IOException {
    proc.end(81).empty().tcp("0.0.0.0", 22, 101).udp("127.0.0.53", 53, 102);
    proc.tcp("127.0.0.1", 8080, 821);
    unix(names.socket(), 822);
    proc.process(82, 33, "/x", 90, 821, 822).stat(82, "x", 83, 9000).process(83, 0, "/x", 80);
    link("82/exe", names.program());
    link("82/cwd", names.folder());
    write("82/cmdline", names.command());
    write("82/cgroup", "0::/system.slice/" + names.unit() + "\n");
    proc.delete("83/exe");
    write("83/comm", names.comm() + "\n");
    Path netns = rawPath(directory.resolve("netns") + "/" + names.netns());
    Files.createDirectories(netns.getParent());
    Files.createFile(netns);
    proc.process(84, 0, "/x", 95, 841).namespace(84, (Long) Files.getAttribute(netns, "unix:ino"));
    proc.tcpOf(84, "127.0.0.1", 81, 841);
    link("84/exe", names.program());
  }

  // ---- through

  private Map<String, String> outlets(Path home, String hostile) throws Exception {
    directory = home;
    makeHost();
    outlets.clear();
    names = Names.of(hostile);
    String firstWords = names.words().lines().findFirst().orElseThrow().strip(); // all of nft's
    forms =
        Stream.concat(
                names.byPlace().entrySet().stream()
                    .flatMap(it -> Form.of(it.getKey(), it.getValue())),
                Form.of("words", firstWords))
            .sorted(Comparator.comparing(form -> -form.text().length()))
            .toList();
    script("logger", "for it; do printf '%s\\0' \"$it\"; done >> " + home + "/log");
    script("command", "cat /proc/$$/environ > " + home + "/env", "cat > " + home + "/json");
    script(
        "sendmail",
        "for it; do printf '%s\\0' \"$it\"; done > " + home + "/arguments",
        "cat > " + home + "/mail",
        "[ ! -e " + home + "/words ] || { cat " + home + "/words; exit 75; }");
    script("nft", "cat " + home + "/words; exit 1");
    generate();
    openNew();
    compare();
    list();
    alert();
    fail();
    accept();
    misconfigure(hostile);
    return new LinkedHashMap<>(outlets);
  }

  private void configureChannels(String... lines) throws IOException {
    List<String> all = new ArrayList<>(List.of(lines));
    all.add("SMTP_PORT=\"" + GREEN_MAIL.getSmtp().getPort() + "\"");
    all.add("USER=\"root ops@example.org\"");
    all.add("SUB=\"Alert on $HOSTNAME, $NEW new\"");
    all.add("NETNS=\"all\"");
    all.add("REMIND=\"0\"");
    configure(all.toArray(String[]::new));
  }

  private void generate() throws Exception {
    configure("MAILER=\"none\"", "NETNS=\"all\"");
    openOld();
    text("generate", lsm("generate"));
    sealed("baseline");
    sealed("owner-cache");
    Snapshot kept = SnapshotFile.read(baseline);
    SortedSet<Owner> owners = new TreeSet<>(List.of(new Owner(names.user(), names.former())));
    assertEquals(names.host(), kept.hostInfo().host());
    assertEquals(
        owners, kept.sockets().get(Endpoint.of("unix", names.gone())).owners(), "read back");
    assertEquals(owners, kept.sockets().get(Endpoint.of("tcp", "127.0.0.1:8080")).owners());
  }

  private void compare() throws IOException {
    JsonObject report = json("compare as JSON", lsm("compare", "--no-alert", "--format", "json"));
    assertEquals(names.host(), string(report, "host"));
    JsonArray differences = report.getAsJsonArray("differences");
    JsonObject socket = differences.get(0).getAsJsonObject();
    assertEquals(names.socket(), string(socket, "address"));
    assertEquals("unix/" + names.socket(), string(socket, "socket"));
    assertEquals(names.program(), string(first(socket, "owners"), "program"));
    JsonObject process = first(socket, "processes");
    assertEquals(names.user(), string(process, "user"));
    assertEquals(names.command(), string(process, "command_line"));
    assertEquals(names.folder(), string(process, "working_directory"));
    assertEquals(names.unit(), string(process, "unit"));
    assertEquals("[" + names.comm() + "]", string(first(process, "parents"), "program"));
    assertEquals(names.netns(), string(differences.get(1).getAsJsonObject(), "netns"));
    assertEquals(names.gone(), string(differences.get(3).getAsJsonObject(), "address"));
    JsonObject changed = differences.get(2).getAsJsonObject();
    assertEquals(names.former(), string(first(changed, "owners_before"), "program"));
  }

  /** A name as it is printed, with its spaces escaped, is a rule that covers the socket. */
  private void list() throws IOException {
    String rule = TextEscaper.escape(names.socket()).replace(" ", "\\x20");
    ignore("unix " + (rule.length() > 1000 ? rule.substring(0, 6) + "**" : rule));
    Result listed = lsm("list", "--all");
    assertEquals(
        1, listed.out().lines().filter(it -> it.endsWith("(ignored by ignore.lsm:1)")).count());
    text("list", listed);
    json("list as JSON", lsm("list", "--format", "json", "--all"));
    ignore();
  }

  private void alert() throws Exception {
    GREEN_MAIL.purgeEmailFromAllMailboxes();
    configureChannels(
        "SMTP_HOST=\"127.0.0.1\"",
        "SYSLOG=\"yes\"",
        "RUN_CMD=\"" + directory.resolve("command") + "\"",
        "METRICS_FILE=\"" + directory.resolve("metrics") + "\"");
    text("compare", lsm("compare"));
    mail("mail", GreenMailUtil.getWholeMessage(GREEN_MAIL.getReceivedMessages()[0]));
    given("log", "logger's arguments");
    environment();
    json("standard input of RUN_CMD", Files.readString(directory.resolve("json")));
    sealed("alert-state");
    String metrics = safe("METRICS_FILE", Files.readAllBytes(directory.resolve("metrics")));
    outlets.put("METRICS_FILE", metrics.replaceAll("(duration_seconds) [\\d.]+", "$1 1"));
  }

  /** The words of a program that fails are quoted as well. */
  private void fail() throws Exception {
    configureChannels("MAILER=\"sendmail\"", "SENTRY=\"report\"");
    Files.write(directory.resolve("words"), bytes(names.words()));
    Result result = lsm("compare", "--quiet");
    assertEquals(3, result.exitCode());
    text("a failure", result);
    assertTrue(result.err().contains("the packet filter cannot be used: "), result.err());
    safe(
        "sentry-state",
        Files.readString(state.resolve("sentry-state")).replace('\t', '|').getBytes(UTF_8));
    String remembered = SentryState.read(state.resolve("sentry-state")).failure();
    assertTrue(remembered.contains(names.words().lines().findFirst().orElseThrow().strip()));
    JsonObject entry = JsonParser.parseString(Files.readString(outbox().get(0))).getAsJsonObject();
    JsonArray html = (JsonArray) entry.getAsJsonObject("alert").remove("html");
    safe("outbox", bytes(entry.toString()));
    html(
        "outbox, HTML",
        String.join("\n", html.asList().stream().map(JsonElement::getAsString).toList()) + "\n");
    outlets.put("outbox", alerted(entry).toString());
    given("arguments", "sendmail's arguments");
    String input = Files.readString(directory.resolve("mail"), ISO_8859_1);
    mail("sendmail's input", input.replace("\n", "\r\n"));
    text("status", lsm("status"));
    json("status as JSON", lsm("status", "--format", "json"));
  }

  private void accept() throws IOException {
    String name = "unix/" + TextEscaper.escape(names.socket());
    Result accepted = lsm("accept", name);
    assertEquals(0, accepted.exitCode(), accepted.err());
    text("accept", accepted);
    text("history", lsm("history"));
    json("history as JSON", lsm("history", "--format", "json"));
    lines("state/history.jsonl").forEach(it -> json("history.jsonl", it));
    String[] files = {state.resolve("baseline.1").toString(), baseline.toString()};
    text("diff", lsm("diff", files[0], files[1]));
    JsonObject diff = json("diff as JSON", lsm("diff", files[0], files[1], "--format", "json"));
    assertEquals(1, diff.getAsJsonArray("differences").size());
    assertEquals(names.socket(), string(first(diff, "differences"), "address"));
    sealed("baseline");
  }

  /** What is wrong in a file is quoted. */
  private void misconfigure(String hostile) throws IOException {
    ChecksummedText bad =
        new ChecksummedText("lsm-snapshot", "1")
            .line("host", "h")
            .line("kernel", "k")
            .line("time", now.toString())
            .line("lsm", "1")
            .line(hostile, "x");
    Path file = Files.writeString(directory.resolve("bad"), bad.seal());
    assertTrouble(lsm("compare", "--verbose", "--baseline", file.toString()));
    Files.write(config, bytes("USER=\"x\"\nX" + hostile + "=1\n"));
    assertTrouble(lsm("list"));
    Result status = lsm("status");
    safe("status of a bad configuration", bytes(status.out() + status.err()));
    configure("MAILER=\"none\"");
    Files.write(directory.resolve("ignore.lsm"), bytes("x" + hostile + " x\n"));
    assertTrouble(lsm("list"));
    ignore();
    write("net/tcp", "header\n   0: " + hostile + "\n");
    Result bad4 = lsm("list");
    safe("a bad table", bytes(bad4.out() + bad4.err()));
  }

  private void assertUsageErrorsAreSafe(String hostile) throws IOException {
    configure("MAILER=\"none\"", "SENTRY=\"block\"");
    for (List<String> arguments :
        List.of(
            List.of(hostile),
            List.of("list", hostile),
            List.of("accept", "no" + hostile),
            List.of("history", "--since", hostile),
            List.of("list", "--format", hostile),
            List.of("sentry", hostile),
            List.of("sentry", "block", hostile),
            List.of("compare", "--no-alert", "--baseline", "no" + hostile))) {
      assertTrouble(lsm(arguments.toArray(String[]::new)));
    }
    assertTrouble(run("list", "--config", "no" + hostile));
  }

  /** Each line is one that lsm has begun. */
  private void assertTrouble(Result result) {
    assertEquals(2, result.exitCode(), result.toString());
    assertEquals("", result.out());
    for (String line : safe("an error", bytes(result.err())).split("\n", -1)) {
      assertTrue(
          line.matches(
              "|lsm: .+|Try '.+|Did you mean '.+'\\?| at \\S.*"
                  + "|[a-z]+(\\.\\w+)+(\\$\\w+)?(: .*)?|Caused by: [a-z]+\\..*| \\.\\.\\. \\d+ more"),
          line);
    }
  }

  // ---- out

  private static JsonObject first(JsonObject object, String array) {
    return object.getAsJsonArray(array).get(0).getAsJsonObject();
  }

  private static String string(JsonObject object, String field) {
    return TextEscaper.unescape(object.get(field).getAsString());
  }

  private static final Pattern UNSAFE =
      Pattern.compile(
          "[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}[\\p{Zs}&&[^ ]]"
              + "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
              + "\\x{e0100}-\\x{e01ef}&&[^\n]]");

  /** Strict UTF-8 with nothing in it that could move, hide or recolour anything. */
  private static String safe(String outlet, byte[] bytes) {
    try {
      String text = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      Matcher unsafe = UNSAFE.matcher(text);
      assertFalse(
          unsafe.find(),
          () ->
              String.format(
                  "%s has U+%04X: %s",
                  outlet, unsafe.group().codePointAt(0), text.substring(unsafe.start())));
      return text;
    } catch (CharacterCodingException e) {
      throw new AssertionError(outlet + " is no UTF-8", e);
    }
  }

  private void text(String outlet, Result result) {
    outlets.put(outlet, alerted(safe(outlet, bytes(result.out()))));
    outlets.put(outlet + ", errors", alerted(safe(outlet, bytes(result.err()))));
  }

  private JsonObject json(String outlet, Result result) {
    assertEquals("", result.err(), outlet);
    return json(outlet, result.out());
  }

  private JsonObject json(String outlet, String text) {
    JsonObject json = JsonParser.parseString(safe(outlet, bytes(text))).getAsJsonObject();
    outlets.merge(outlet, alerted(json).toString(), (one, next) -> one + "\n" + next);
    return json;
  }

  /** A file that lsm reads back: tabs and newlines are its own. */
  private void sealed(String file) throws IOException {
    byte[] bytes = Files.readAllBytes(state.resolve(file));
    String text =
        safe(file, new String(bytes, ISO_8859_1).replace("\t", " | ").getBytes(ISO_8859_1));
    // Digests differ with the names; the lines of some files are in no order.
    outlets.put(
        file,
        alerted(text.replaceAll("(crc32c .) .*|(?<= \\| )[0-9a-f]{16}\\b", "$1"))
            .lines()
            .sorted()
            .collect(Collectors.joining("\n")));
    String[] first = text.lines().findFirst().orElseThrow().split(" \\| ", -1);
    List<List<String>> fields = ChecksummedText.open(new String(bytes, UTF_8), first[0], first[1]);
    assertTrue(
        fields.stream().flatMap(List::stream).anyMatch(it -> it.endsWith(names.gone())), file);
  }

  /** What a program got as its arguments, one a line. */
  private void given(String file, String outlet) throws IOException {
    byte[] bytes = Files.readAllBytes(directory.resolve(file));
    assertFalse(new String(bytes, ISO_8859_1).contains("\n"), outlet);
    String text =
        safe(outlet, new String(bytes, ISO_8859_1).replace('\0', '\n').getBytes(ISO_8859_1));
    outlets.put(
        outlet, alerted(atDomain(PAIR.matcher(text).replaceAll(HostileTextTest::unquoted))));
  }

  /** A pair in a line of the log; a name that is not quoted would end its value. */
  private static final Pattern PAIR = Pattern.compile(" (\\w+=)\"((?:[^\"\\\\]|\\\\.)*)\"");

  private static String unquoted(MatchResult pair) {
    return Matcher.quoteReplacement(
        " " + pair.group(1) + "'" + pair.group(2).replaceAll("\\\\(.)", "$1") + "'");
  }

  private void environment() throws IOException {
    byte[] bytes = Files.readAllBytes(directory.resolve("env"));
    assertFalse(new String(bytes, ISO_8859_1).contains("\n"));
    String text =
        safe("LSM_*", new String(bytes, ISO_8859_1).replace('\0', '\n').getBytes(ISO_8859_1));
    outlets.put("LSM_*", alerted(text).lines().sorted().collect(Collectors.joining("\n")));
  }

  /** A whole message as it went over the wire. */
  private void mail(String outlet, String raw) throws Exception {
    assertTrue(
        raw.chars().allMatch(c -> c == '\r' || c == '\n' || (c >= ' ' && c < 0x7f) || c == '\t'),
        "ASCII");
    assertFalse(Pattern.compile("\r(?!\n)|(?<!\r)\n").matcher(raw).find(), "a lone CR or LF");
    MimeMessage message = new MimeMessage(null, new ByteArrayInputStream(raw.getBytes(ISO_8859_1)));
    List<String> headers = new ArrayList<>();
    for (Header header : Collections.list(message.getAllHeaders())) {
      headers.add(header.getName());
    }
    outlets.put(outlet + ", headers", headers.toString());
    outlets.put(outlet + ", To", alerted(unfolded(message, "To")));
    InternetAddress from = (InternetAddress) message.getFrom()[0];
    outlets.put(outlet + ", From", from.getAddress());
    // Only the name of a host that is a domain is shown beside the address.
    String shown = names.host().matches("[A-Za-z0-9._-]+") ? "lsm on " + names.host() : null;
    assertEquals(shown, from.getPersonal());
    outlets.put(outlet + ", Message-ID", alerted(atDomain(unfolded(message, "Message-ID"))));
    // What a mail reader would decode is escaped there as well.
    String subject = message.getSubject().replace("=\\x3f", "=?");
    outlets.put(outlet + ", Subject", alerted(safe("Subject", bytes(subject))));
    MimeMultipart parts = (MimeMultipart) message.getContent();
    assertEquals(2, parts.getCount());
    outlets.put(outlet + ", text", alerted(safe("text", bytes(content(parts.getBodyPart(0))))));
    html(outlet + ", HTML", content(parts.getBodyPart(1)));
  }

  private static String unfolded(MimeMessage message, String header) throws Exception {
    return message.getHeader(header, "|").replaceAll("\r\n[\t ]+", " ");
  }

  private static String content(Part part) throws Exception {
    return part.getContent().toString().replace("\r\n", "\n");
  }

  /** An address has the name of the host where that can stand in one. */
  private String atDomain(String text) {
    String domain = names.host().matches("[A-Za-z0-9._-]+") ? names.host() : "localhost";
    return text.replace("@" + domain, "@(domain)");
  }

  /** The elements of a page, which must be well-formed, with their attributes and their text. */
  private void html(String outlet, String page) throws Exception {
    safe(outlet, bytes(page));
    int title = page.indexOf("<title>");
    String body = page.substring(page.indexOf("<body>"), page.indexOf("</html>"));
    String head = page.substring(title, page.indexOf("</head>"));
    outlets.put(
        outlet, page.substring(0, title) + elements(parse(head), "") + elements(parse(body), ""));
  }

  private static Node parse(String xml) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)))
        .getDocumentElement();
  }

  private String elements(Node node, String indent) {
    if (node.getNodeType() == Node.TEXT_NODE) {
      return indent + alerted(node.getNodeValue()).strip() + "\n";
    }
    assertEquals(Node.ELEMENT_NODE, node.getNodeType(), node.toString());
    StringBuilder text = new StringBuilder(indent + node.getNodeName());
    for (int i = 0; i < node.getAttributes().getLength(); i++) {
      text.append(' ').append(node.getAttributes().item(i));
    }
    text.append('\n');
    for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) {
      text.append(elements(child, indent + " "));
    }
    return text.toString();
  }

  private JsonElement alerted(JsonElement json) {
    if (json instanceof JsonObject object) {
      JsonObject alerted = new JsonObject();
      object.asMap().forEach((name, value) -> alerted.add(alerted(name), alerted(value)));
      return alerted;
    }
    if (json instanceof JsonArray array) {
      JsonArray alerted = new JsonArray();
      for (JsonElement value : array) {
        boolean isString = value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
        if (isString && value.getAsString().matches("(?s)( {10}| {20})\\S.*")) {
          // A line that was wrapped.
          String start = alerted.remove(alerted.size() - 1).getAsString();
          value = new JsonPrimitive(start + " " + value.getAsString().strip());
        }
        alerted.add(value);
      }
      JsonArray replaced = new JsonArray();
      alerted.forEach(value -> replaced.add(alerted(value)));
      return replaced;
    }
    return json instanceof JsonPrimitive primitive && primitive.isString()
        ? new JsonPrimitive(alerted(json.getAsString()))
        : json;
  }

  /**
   * A text in which each name, as it should be escaped, is replaced by its place: so it is the same
   * whatever the names are. Columns are as wide as their names.
   */
  private String alerted(String text) {
    String alerted =
        text.replace(directory.toString(), "(directory)")
            .replaceAll("\n( {10}| {20})(?=\\S)", " ") // wrapped lines
            .replaceAll("(?m): (NEW|CHANGED|GONE) unix/\\S+ .*\\)$", ": $1 (shortened)");
    for (Form form : forms) {
      alerted = alerted.replace(form.text(), form.place());
      if (form.cut() != null) {
        alerted = form.cut().matcher(alerted).replaceAll(form.place());
      }
    }
    return alerted
        .replaceAll("(?<=lsm accept [^\n]{0,999})'([^'\n]*)'", "$1")
        .replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "(id)")
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[\\d:]+\\.\\d+Z", "(now)")
        .replaceAll(" {2,}", " ");
  }

  /**
   * A name as it may be printed.
   *
   * @param text all of it
   * @param place what is named so
   * @param cut what is left of a long one; null if it is not
   */
  private record Form(String text, String place, Pattern cut) {

    static Stream<Form> of(String place, String name) {
      String escaped = TextEscaper.escape(name);
      assertEquals(name, TextEscaper.unescape(escaped));
      return Stream.of(escaped, escaped.replace(" ", "\\x20")) // in one line with other words
          .flatMap(text -> Stream.of(text, text.replace("\"", "\\x22"))) // before pairs
          .flatMap(text -> Stream.of(text, inCommand(text)))
          .distinct()
          .map(text -> new Form(text, "{" + place + "}", cut(text)));
    }

    /** In a command, no character of a pattern is left. */
    private static String inCommand(String text) {
      String plain = text.replace("*", "\\x2a").replace("?", "\\x3f");
      return plain.replace("!", "\\x21").replace("'", "\\x27");
    }

    private static Pattern cut(String text) {
      return text.length() <= 150
          ? null
          : Pattern.compile(Pattern.quote(text.substring(0, 120)) + "[^…\n]*…");
    }
  }
}
