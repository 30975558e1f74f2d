package org.lsm.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.FakeAlertmanager;
import org.lsm.FakeAlertmanager.Post;
import org.lsm.SelfSignedKeys;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.alert.FiringAlerts.PostableAlert;
import org.lsm.config.Config;

/** Posts to real servers on this host, whatever they answer. */
@Timeout(60)
class AlertmanagerClientTest {

  private static final String LOOK =
      "; check ALERTMANAGER_URL and ALERTMANAGER_CA, and whether it runs";
  private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
  private static final PostableAlert ALERT =
      new PostableAlert(
          new TreeMap<>(Map.of("alertname", "LsmTest", "user", "\u00e9\"")),
          new TreeMap<>(Map.of("summary", "<&>\n\\x0a")),
          TIME,
          TIME.plusSeconds(60));

  @TempDir private Path folder;

  @Test
  void postsJson() throws Exception {
    try (FakeAlertmanager server = new FakeAlertmanager()) {
      String headers = "# comment\n\nAuthorization: Bearer a b=\r\nX-Scope-OrgID:ops\n";
      client(server.url(), headers).post(server.url() + "/prefix", List.of(ALERT));

      Post post = server.posts().get(0);
      assertEquals("/prefix/api/v2/alerts", post.path());
      assertEquals(
          "[{\"labels\":{\"alertname\":\"LsmTest\",\"user\":\"\u00e9\\\"\"},\"annotations\":{\"summary\":"
              + "\"<&>\\n\\\\x0a\"},\"startsAt\":\"2026-01-02T03:04:05Z\",\"endsAt\":\"2026-01-02T03:05:05Z\"}]",
          post.alerts().toString());
      assertEquals(List.of("Bearer a b="), post.headers().get("Authorization"));
      assertEquals(List.of("ops"), post.headers().get("X-scope-orgid"));
      assertEquals(List.of("application/json"), post.headers().get("Content-type"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "400 | '' | \"bad label\" | and said: \"bad label\"; check ALERTMANAGER_LABELS; the same"
            + " alerts are not posted again until it accepts those of lsm test-alert | REJECTED",
        "400 | '' | '' | ; check ALERTMANAGER_LABELS; the same alerts are not posted again until it accepts those of"
            + " lsm test-alert |"
            + " REJECTED",
        "401 | '' | who | and said: who; check ALERTMANAGER_HEADERS_FILE | UNAVAILABLE",
        "401 | WWW-Authenticate: Basic realm=x | '' | ; check ALERTMANAGER_HEADERS_FILE | UNAVAILABLE",
        "403 | '' | Bearer s3cret-token; t=0ther-token | and said: Bearer (secret); t=(secret); check"
            + " ALERTMANAGER_HEADERS_FILE | UNAVAILABLE",
        "302 | Location: /login?s3cret-token | '' | , a redirect to /login?(secret); check"
            + " ALERTMANAGER_URL | UNAVAILABLE",
        "404 | '' | 404 page not found | and said: 404 page not found; check ALERTMANAGER_URL |"
            + " UNAVAILABLE",
        "500 | Content-Type: text/html | <html> | and said: a web page; the next run tries again |"
            + " UNAVAILABLE",
        "503 | '' | '' | ; the next run tries again | UNAVAILABLE",
        "302 | Location: http://127.0.0.1:1/login | '' | , a redirect to http://127.0.0.1:1/login; check"
            + " ALERTMANAGER_URL | UNAVAILABLE",
        "200 | Content-Type: text/html; charset=utf-8 | <html>log in | and said: a web page; check"
            + " ALERTMANAGER_URL | UNAVAILABLE",
        "200 | Content-Type: application/json | {\"status\":\"success\"} | none | none",
        "202 | '' | not JSON | none | none",
      })
  void explainsTheAnswer(int status, String header, String body, String words, FailureKind kind)
      throws Exception {
    try (FakeAlertmanager server = new FakeAlertmanager().answer(status, header, body)) {
      AlertmanagerClient client =
          client(server.url(), "Authorization: Bearer s3cret-token; t=0ther-token\n");
      if (words == null) {
        client.post(server.url(), List.of(ALERT));
      } else {
        DeliveryException e = failure(client, server.url());
        String said = (words.startsWith("and") ? " " : "") + words;
        assertEquals(
            "Alertmanager " + server.url() + ": answered with status " + status + said,
            e.getMessage());
        assertEquals(kind, e.kind());
      }
      assertEquals(1, server.posts().size(), "it follows no redirect and does not try again");
    }
  }

  @Test
  void cutsALongAnswer() throws Exception {
    try (FakeAlertmanager server = new FakeAlertmanager().answer(500, "", "x".repeat(5_000_000))) {
      String message = failure(client(server.url(), ""), server.url()).getMessage();
      assertTrue(message.contains("said: " + "x".repeat(300) + "\u2026; the next"), message);
    }
  }

  @Test
  void doesNotWaitForASilentServer() throws Exception {
    try (FakeAlertmanager server =
        new FakeAlertmanager().answer(FakeAlertmanager.SILENCE, "", "")) {
      AlertmanagerClient client =
          new AlertmanagerClient(Map.of(), Optional.empty(), Duration.ofMillis(300));
      assertEquals(
          "Alertmanager " + server.url() + ": the server does not answer" + LOOK,
          failure(client, server.url()).getMessage());
    }
  }

  @Test
  void namesAServerThatIsDown() throws Exception {
    String url;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      url = "http://127.0.0.1:" + free.getLocalPort();
    }
    DeliveryException e = failure(client(url, ""), url);
    assertEquals("Alertmanager " + url + ": connection refused" + LOOK, e.getMessage());
    assertEquals(FailureKind.UNAVAILABLE, e.kind());
    assertEquals(
        "Alertmanager http://nobody.invalid: the host name is unknown" + LOOK,
        failure(client(url, ""), "http://nobody.invalid").getMessage());
  }

  @ParameterizedTest
  @CsvSource({"ip:127.0.0.1, true", "dns:other.example.org, false"})
  void verifiesTheCertificate(String name, boolean isValid) throws Exception {
    SelfSignedKeys keys = SelfSignedKeys.of(name, folder);
    Path ca = Files.writeString(folder.resolve("ca.pem"), keys.pem());
    try (FakeAlertmanager server = new FakeAlertmanager(keys.context())) {
      AlertmanagerClient client = client(server.url(), "", "ALERTMANAGER_CA=\"" + ca + "\"");
      if (isValid) {
        client.post(server.url(), List.of(ALERT));
      } else {
        String message = failure(client, server.url()).getMessage();
        assertTrue(message.contains("No subject alternative names"), message);
      }
      assertEquals(isValid ? 1 : 0, server.posts().size());
    }
  }

  @Test
  void refusesAnUnknownAuthority() throws Exception {
    SelfSignedKeys keys = SelfSignedKeys.of("ip:127.0.0.1", folder);
    try (FakeAlertmanager server = new FakeAlertmanager(keys.context())) {
      String message = failure(client(server.url(), ""), server.url()).getMessage();
      assertTrue(message.contains(": the certificate of the server is not trusted: "), message);
      assertEquals(List.of(), server.posts());
    }
  }

  @Test
  void namesAnUnusableFileOfAuthorities() throws Exception {
    Path missing = folder.resolve("missing.pem");
    Path empty = Files.writeString(folder.resolve("empty.pem"), "nothing\n");
    assertEquals(
        missing + ": no such file or directory; check ALERTMANAGER_CA",
        configFailure("https://a", missing));
    assertEquals(
        empty + " has no certificate of an authority; check ALERTMANAGER_CA",
        configFailure("https://a", empty));
  }

  private String configFailure(String url, Path ca) {
    return assertThrows(
            DeliveryException.class, () -> client(url, "", "ALERTMANAGER_CA=\"" + ca + "\""))
        .getMessage();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "s3cret",
        "Auth orization: s3cret",
        ": s3cret",
        "X-Empty:",
        "Host: s3cret",
        "content-length: 4711",
        "Connection: s3cret",
        "X-A: s3cret\u00e9",
        "X-A: s3cret\u0007"
      })
  void namesTheLineOfABadHeader(String line) {
    DeliveryException e =
        assertThrows(DeliveryException.class, () -> client("http://a", "X-A: b\n" + line + "\n"));
    assertEquals(
        folder.resolve("headers")
            + ":2: expected 'Name: value', not a header of the connection or the content",
        e.getMessage());
  }

  @Test
  void namesAMissingFileOfHeaders() {
    Path file = folder.resolve("missing");
    DeliveryException e =
        assertThrows(
            DeliveryException.class,
            () -> client("http://a", "", "ALERTMANAGER_HEADERS_FILE=\"" + file + "\""));
    assertEquals(
        file + ": no such file or directory; check ALERTMANAGER_HEADERS_FILE and its permissions",
        e.getMessage());
  }

  private static DeliveryException failure(AlertmanagerClient client, String url) {
    return assertThrows(DeliveryException.class, () -> client.post(url, List.of(ALERT)));
  }

  private AlertmanagerClient client(String url, String headers, String... more) throws Exception {
    List<String> lines = new ArrayList<>(List.of(more));
    lines.add("ALERTMANAGER_URL=\"" + url + "\"");
    if (!headers.isEmpty()) {
      Path file = Files.writeString(folder.resolve("headers"), headers);
      lines.add("ALERTMANAGER_HEADERS_FILE=\"" + file + "\"");
    }
    Path file = folder.resolve("conf.lsm");
    Files.write(file, lines);
    return AlertmanagerClient.of(Config.read(file), List.of());
  }
}
