package org.lsm.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.lsm.FakeAlertmanager;
import org.lsm.FakeAlertmanager.Post;

/** What runs post to the nodes of an Alertmanager. */
@Timeout(120)
class AlertmanagerTest extends ChannelTestBase {

  private static final String NEW = "+LsmSocketNew tcp/0.0.0.0:4444";

  private FakeAlertmanager server;
  private FakeAlertmanager other;
  private final Socket notListening = new Socket(); // a closed port may be another test's
  private String down;

  @BeforeEach
  void takeBaseline() throws IOException {
    lsm("generate");
    script("logger", "echo \"$*\" >> " + directory.resolve("log"));
    server = new FakeAlertmanager();
    other = new FakeAlertmanager();
    notListening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    down = "http://127.0.0.1:" + notListening.getLocalPort();
    alertmanager(server.url());
  }

  @AfterEach
  void close() throws IOException {
    notListening.close();
    server.close();
    other.close();
  }

  private void alertmanager(String urls, String... lines) throws IOException {
    List<String> all = new ArrayList<>(List.of(lines));
    all.add("ALERTMANAGER_URL=\"" + urls + "\"");
    all.add("MAILER=\"none\"");
    all.add("SYSLOG=\"yes\"");
    configure(all.toArray(String[]::new));
  }

  private Result compare(int minutes) {
    now = now.plus(Duration.ofMinutes(minutes));
    return lsm("compare", "--quiet");
  }

  private static Result silent(int exitCode) {
    return new Result(exitCode, "", "");
  }

  private static List<String> labels(FakeAlertmanager at) {
    return at.posts().stream().flatMap(it -> it.labels().stream()).toList();
  }

  @Test
  void quietRunPostsNothing() {
    assertEquals(silent(0), compare(10));

    assertEquals(List.of(), server.posts());
    assertFalse(Files.exists(state.resolve("alertmanager-state")));
  }

  @Test
  void followsADifference() throws Exception {
    open(4444);
    assertEquals(silent(1), compare(10));
    assertEquals(List.of(NEW), labels(server));
    assertEquals(silent(1), compare(10));
    assertEquals(List.of(NEW), labels(server), "at every run");
    lsm("accept", "port=4444");
    assertEquals(silent(0), compare(10));
    assertEquals(List.of(NEW), labels(server));
    assertEquals(silent(0), compare(20));
    assertEquals(List.of(NEW.replace('+', '-')), labels(server));
    assertEquals(silent(0), compare(10));
    assertEquals(List.of(NEW.replace('+', '-')), labels(server));
    assertEquals(silent(0), compare(10));
    assertEquals(silent(0), compare(10));
    assertEquals(List.of(), server.posts());
    assertFalse(Files.exists(state.resolve("alertmanager-state")));
  }

  @Test
  void describesADifference() throws Exception {
    alertmanager(server.url() + "/am/", "ALERTMANAGER_LABELS=\"role=web dc=fra\"");
    open(4444);
    compare(10);

    Post post = server.posts().get(0);
    assertEquals("/am/api/v2/alerts", post.path());
    JsonObject alert = post.alerts().get(0).getAsJsonObject();
    assertEquals(
        "{\"alertname\":\"LsmSocketNew\",\"dc\":\"fra\",\"instance\":\"web1\",\"program\":\"/tmp/nc\","
            + "\"role\":\"web\",\"severity\":\"normal\",\"socket\":\"tcp/0.0.0.0:4444\",\"user\":\"www-data\"}",
        alert.get("labels").toString());
    assertEquals("2026-01-02T03:14:05Z", alert.get("startsAt").getAsString());
    assertEquals("2026-01-03T03:14:05Z", alert.get("endsAt").getAsString());
    assertFalse(alert.has("generatorURL"));
    JsonObject annotations = alert.getAsJsonObject("annotations");
    assertEquals(
        "NEW tcp/0.0.0.0:4444 by /tmp/nc (www-data), PID 4444",
        annotations.get("summary").getAsString());
    assertEquals("lsm accept tcp/0.0.0.0:4444", annotations.get("accept").getAsString());
    String description = annotations.get("description").getAsString();
    assertTrue(description.contains("\n         user       www-data\n"), description);
  }

  @Test
  void anotherOwnerResolvesTheOldLabels() {
    open(4444);
    compare(10);
    server.posts();
    proc.end(4444);
    proc.process(4445, 33, "/tmp/ncat", 95, 4444);

    compare(10);

    assertEquals(List.of("+/tmp/ncat", "-/tmp/nc"), programs(server.posts().get(0)));
  }

  private static List<String> programs(Post post) {
    List<String> programs = new ArrayList<>();
    for (var it : post.alerts()) {
      JsonObject alert = it.getAsJsonObject();
      String sign = alert.has("startsAt") ? "+" : "-";
      programs.add(sign + alert.getAsJsonObject("labels").get("program").getAsString());
    }
    return programs;
  }

  @Test
  void postsFailures() throws Exception {
    Files.delete(baseline);
    assertEquals(2, compare(10).exitCode());
    assertEquals(List.of("+LsmNoBaseline"), labels(server));
    ignore("bad rule here is");
    lsm("generate");
    assertEquals(2, compare(10).exitCode());
    assertEquals(List.of("+LsmNoBaseline", "+LsmScanFailed"), labels(server));
    ignore("");
    lsm("generate");
    assertEquals(0, compare(10).exitCode());
    assertEquals(0, compare(30).exitCode());
    assertEquals(
        List.of("+LsmNoBaseline", "+LsmScanFailed", "-LsmNoBaseline", "-LsmScanFailed"),
        labels(server));
  }

  @Test
  void postsPortScans() throws Exception {
    FakeNft.of(directory);
    alertmanager(server.url(), "SENTRY=\"report\"");
    compare(10);
    compare(10);

    List<String> labels = labels(server);
    assertTrue(labels.contains("+LsmPortScan"), labels.toString());
  }

  @Test
  void reportsOnceThatNobodyAccepts() throws Exception {
    alertmanager(down + " " + server.url());
    server.answer(503, "", "starting");
    open(4444);

    assertEquals(
        new Result(
            3,
            "",
            "lsm: Alertmanager "
                + down
                + ": connection refused; check ALERTMANAGER_URL and ALERTMANAGER_CA, and whether it runs\n"
                + "lsm: Alertmanager "
                + server.url()
                + ": answered with status 503 and said: starting; the next run tries again\n"),
        compare(10));
    assertEquals(1, lines("log").size(), "syslog has it all the same");
    assertEquals(silent(3), compare(10));
    assertEquals(2, server.posts().size(), "tries again");

    server.answer(200, "", "");
    assertEquals(silent(1), compare(10), "one has accepted it");
    String history = lsm("history").out();
    assertTrue(history.contains("alertmanager: accepted again by " + server.url()), history);
  }

  @Test
  void endlessAnswerOfANodeLosesNothing() throws Exception {
    try (ServerSocket endless = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread answers = new Thread(() -> answerWithoutEnd(endless));
      answers.setDaemon(true);
      answers.start();
      String url = "http://127.0.0.1:" + endless.getLocalPort();
      alertmanager(url + " " + server.url());
      open(4444);

      String problem = ": its answer cannot be read; check what runs there\n";
      assertEquals(new Result(1, "", "lsm: Alertmanager " + url + problem), compare(10));
      assertEquals(List.of(NEW), labels(server));
      assertEquals(silent(1), compare(10));
    }
  }

  private static void answerWithoutEnd(ServerSocket at) {
    while (!at.isClosed()) {
      try (Socket connection = at.accept()) {
        byte[] answer = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000).getBytes(UTF_8);
        while (true) {
          connection.getOutputStream().write(answer);
        }
      } catch (IOException e) {
        // the client has had enough
      }
    }
  }

  @Test
  void silentAlertmanagerDelaysNoOtherChannel() throws Exception {
    server.answer(FakeAlertmanager.SILENCE, "", "");
    open(4444);
    CompletableFuture<Result> run = CompletableFuture.supplyAsync(() -> compare(10));
    await(() -> Files.exists(directory.resolve("log")) && !server.posts().isEmpty());
    assertFalse(run.isDone(), "it still waits for Alertmanager");
    server.close();

    assertEquals(3, run.get().exitCode());
  }

  @Test
  void silentChannelDelaysNoAlertmanager() throws Exception {
    script("logger", "until [ -e " + directory.resolve("end") + " ]; do sleep 0.1; done");
    open(4444);
    CompletableFuture<Result> run = CompletableFuture.supplyAsync(() -> compare(10));
    await(() -> labels(server).equals(List.of(NEW)));
    assertFalse(run.isDone(), "it still waits for logger");
    Files.createFile(directory.resolve("end"));

    assertEquals(silent(1), run.get());
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) { // the test has a time-out
      Thread.sleep(20);
    }
  }

  @Test
  void statusNamesTheNodes() throws Exception {
    alertmanager(down + " " + server.url());
    assertTrue(status().contains("Channel    alertmanager " + down + "; nothing accepted yet\n"));
    open(4444);
    compare(10);

    String status = status();
    assertTrue(
        status.contains(
            "Channel  ! alertmanager "
                + down
                + "; nothing accepted yet; last failure: Alertmanager "
                + down
                + ": connection refused"),
        status);
    assertTrue(
        status.contains(
            "Channel    alertmanager "
                + server.url()
                + "; last accepted 2026-01-02 03:14:05 +00:00 (0 s ago)\n"),
        status);
    assertTrue(lsm("status", "--format", "nagios").out().contains("alertmanager " + down));
  }

  private String status() {
    return lsm("status").out();
  }

  @Test
  void doesNotRepeatWhatANodeRejects() throws Exception {
    server.answer(400, "", "\"bad\"");
    open(4444);
    Result first = compare(10);
    assertEquals(3, first.exitCode());
    assertTrue(first.err().contains("answered with status 400 and said: \"bad\""), first.err());
    assertEquals(1, server.posts().size());
    assertEquals(silent(3), compare(10));
    assertEquals(List.of(), server.posts());
    open(5555);
    assertEquals(3, compare(10).exitCode());
    assertEquals(1, server.posts().size(), "something else");
    server.answer(200, "", "");
    assertEquals(silent(3), compare(10));
    assertEquals(List.of(), server.posts());
    lsm("test-alert");
    assertEquals(silent(1), compare(10));
    assertEquals(List.of("+LsmTest", NEW, NEW.replace("4444", "5555")), labels(server));
  }

  @Test
  void postsInParts() throws IOException {
    configure("MAILER=\"none\"", "SYSLOG=\"no\"", "ALERTMANAGER_URL=\"" + server.url() + "\"");
    IntStream.range(0, 250).forEach(it -> proc.tcp("0.0.0.0", 10_000 + it, 10_000 + it));
    lsm("generate");
    proc.empty();
    IntStream.range(0, 250).forEach(it -> proc.tcp("0.0.0.0", 20_000 + it, 20_000 + it));

    assertEquals(silent(1), compare(10));

    List<Post> posts = server.posts();
    assertEquals(List.of(256, 146), posts.stream().map(it -> it.alerts().size()).toList());
    List<String> labels = posts.stream().flatMap(it -> it.labels().stream()).toList();
    assertEquals(402, labels.stream().distinct().count());
    assertTrue(labels.contains("+LsmSocketNew further ones"), labels.toString());
    assertTrue(labels.contains("+LsmSocketGone further ones"), labels.toString());
  }

  @Test
  void testAlertTriesEachNode() throws Exception {
    alertmanager(down + " " + server.url(), "ALERTMANAGER_LABELS=\"role=web\"");
    Result result = lsm("test-alert");

    assertEquals(3, result.exitCode());
    List<String> lines = result.out().lines().toList();
    assertTrue(lines.get(1).startsWith("alertmanager: FAILED, Alertmanager " + down), result.out());
    assertEquals("alertmanager: accepted; to " + server.url(), lines.get(2));
    assertEquals(List.of("+LsmTest"), labels(server));
    assertTrue(status().contains("Channel  ! alertmanager " + down), "until it accepts something");
    alertmanager(server.url() + " " + other.url());
    assertEquals(0, lsm("test-alert").exitCode());
  }

  @Test
  void deleteRemovesTheStateOfAnUnusedAlertmanager() throws Exception {
    open(4444);
    compare(10);
    lsm("delete");
    assertTrue(Files.exists(state.resolve("alertmanager-state")), "it is to be resolved");
    configure("MAILER=\"none\"");
    lsm("delete");
    assertFalse(Files.exists(state.resolve("alertmanager-state")));
    assertFalse(Files.exists(state.resolve("alertmanager-nodes")));
  }

  @Test
  void survivesADamagedState() throws Exception {
    open(4444);
    compare(10);
    server.posts();
    Files.writeString(state.resolve("alertmanager-state"), "rubbish\n");
    Files.writeString(state.resolve("alertmanager-nodes"), "rubbish\n");

    Result result = compare(10);

    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains("alertmanager-state: not an lsm-alertmanager-state file"));
    assertEquals(List.of(NEW), labels(server));
  }

  @Test
  void instanceIsTheFullyQualifiedName() throws Exception {
    canonicalName = Optional.of("web1.example.org");
    open(4444);
    compare(10);
    canonicalName = Optional.empty(); // the resolver is down
    compare(10);

    assertEquals(
        List.of("web1.example.org", "web1.example.org"),
        server.posts().stream()
            .map(it -> it.alerts().get(0).getAsJsonObject().getAsJsonObject("labels"))
            .map(it -> it.get("instance").getAsString())
            .toList());
  }
}
