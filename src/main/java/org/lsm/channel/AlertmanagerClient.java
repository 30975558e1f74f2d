package org.lsm.channel;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.config.Config;
import org.lsm.model.ErrorMessages;
import org.lsm.model.TextEscaper;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.storage.SecureFiles;

/**
 * Posts alerts to the API of Alertmanager, version 2. Only the bare HttpURLConnection: it takes a
 * fraction of the time that java.net.http needs.
 *
 * @param headers of every request; their values are secret
 * @param sockets for TLS; empty for those of the Java runtime
 * @param timeout for the connection, and for each wait for the answer
 */
record AlertmanagerClient(
    Map<String, String> headers, Optional<SSLSocketFactory> sockets, Duration timeout) {
  private static final Duration HTTP_TIMEOUT = Duration.ofSeconds(10);
  private static final int MAX_ANSWER = 4096; // bytes that are read
  private static final int MAX_QUOTED = 300; // characters of them
  private static final int MIN_SECRET = 8; // characters; the name of a tenant may be shorter

  /** A header of RFC 9110 that does not belong to the connection or to the content. */
  private static final Pattern HEADER =
      Pattern.compile(
          "(?i)(?<name>(?!(?:connection|content-.*|expect|host|keep-alive|origin|te|trailer"
              + "|transfer-encoding|upgrade|via):)[a-z0-9!#$%&'*+.^_`|~-]+):\\s*(?<value>[!-~][ -~\\t]*)");

  /** A client with the headers and the authorities of a configuration. */
  static AlertmanagerClient of(Config config, List<Path> bundles) throws DeliveryException {
    return new AlertmanagerClient(headers(config), sockets(config, bundles), HTTP_TIMEOUT);
  }

  private static Map<String, String> headers(Config config) throws DeliveryException {
    Map<String, String> headers = new TreeMap<>();
    if (config.alertmanagerHeadersFile().isEmpty()) {
      return headers;
    }
    Path file = config.alertmanagerHeadersFile().get();
    try {
      int number = 0;
      for (String line : new String(SecureFiles.read(file), UTF_8).lines().toList()) {
        number++;
        Matcher header = HEADER.matcher(line.strip());
        if (header.matches()) {
          headers.put(header.group("name"), header.group("value"));
        } else if (!line.isBlank() && !line.startsWith("#")) {
          String form = "expected 'Name: value', not a header of the connection or the content";
          throw new DeliveryException(file + ":" + number + ": " + form, null);
        }
      }
      return headers;
    } catch (IOException e) {
      String advice = "; check ALERTMANAGER_HEADERS_FILE and its permissions";
      throw new DeliveryException(ErrorMessages.explain(e) + advice, e);
    }
  }

  private static Optional<SSLSocketFactory> sockets(Config config, List<Path> bundles)
      throws DeliveryException {
    if (config.alertmanagerUrls().stream().noneMatch(it -> it.startsWith("https:"))) {
      return Optional.empty();
    }
    Optional<Path> own = config.alertmanagerCa();
    try {
      if (own.isPresent()) {
        return Optional.of(TrustedCertificates.socketFactory(own.get()));
      }
      return TrustedCertificates.socketFactory(bundles);
    } catch (IOException | GeneralSecurityException e) {
      throw new DeliveryException(ErrorMessages.explain(e) + "; check ALERTMANAGER_CA", e);
    }
  }

  /**
   * Posts alerts to one node. A failure of kind REJECTED would be the same for the same alerts.
   *
   * @param url without a slash at its end
   */
  void post(String url, List<?> alerts) throws DeliveryException {
    byte[] body = Json.line(alerts).getBytes(UTF_8);
    HttpURLConnection connection = null;
    try {
      connection = open(url);
      try (OutputStream out = connection.getOutputStream()) {
        out.write(body);
      }
      check(url, connection);
    } catch (IOException e) {
      Throwable root = e;
      while (root.getCause() != null) {
        root = root.getCause();
      }
      String advice = "; check ALERTMANAGER_URL and ALERTMANAGER_CA, and whether it runs";
      throw new DeliveryException(name(url) + SmtpFailure.explain(root) + advice, e);
    } finally {
      if (connection != null) {
        connection.disconnect();
      }
    }
  }

  private HttpURLConnection open(String url) throws IOException {
    HttpURLConnection connection =
        (HttpURLConnection)
            URI.create(url + "/api/v2/alerts").toURL().openConnection(Proxy.NO_PROXY);
    if (connection instanceof HttpsURLConnection encrypted) {
      sockets.ifPresent(encrypted::setSSLSocketFactory);
    }
    connection.setInstanceFollowRedirects(false);
    connection.setConnectTimeout((int) timeout.toMillis());
    connection.setReadTimeout((int) timeout.toMillis());
    connection.setRequestMethod("POST");
    connection.setDoOutput(true);
    connection.setRequestProperty("User-Agent", "lsm");
    connection.setRequestProperty("Content-Type", "application/json");
    headers.forEach(connection::setRequestProperty);
    return connection;
  }

  private void check(String url, HttpURLConnection connection)
      throws IOException, DeliveryException {
    int status = connection.getResponseCode();
    String type = String.valueOf(connection.getContentType());
    boolean isPage = type.startsWith("text/html"); // of another service, or a form for a login
    if (status / 100 == 2 && !isPage) {
      return;
    }
    String advice =
        switch (status) {
          case 400 ->
              "check ALERTMANAGER_LABELS; the same alerts are not posted again until it accepts those of"
                  + " lsm test-alert";
          case 401, 403 -> "check ALERTMANAGER_HEADERS_FILE";
          default -> status < 500 ? "check ALERTMANAGER_URL" : "the next run tries again";
        };
    String target = connection.getHeaderField("Location");
    String where =
        status / 100 == 3 && target != null ? ", a redirect to " + cut(withoutSecrets(target)) : "";
    String answer = isPage ? "a web page" : cut(withoutSecrets(answer(connection)));
    String quoted = answer.isEmpty() ? "" : " and said: " + answer;
    throw new DeliveryException(
        name(url) + "answered with status " + status + where + quoted + "; " + advice,
        null,
        status == 400 ? FailureKind.REJECTED : FailureKind.UNAVAILABLE,
        Set.of());
  }

  /** The text without the tokens and passwords of the headers, which a server may repeat. */
  private String withoutSecrets(String text) {
    String rest = text;
    for (String value : headers.values()) {
      for (String secret : value.split("[\\s;,=\"]+", -1)) {
        rest = secret.length() < MIN_SECRET ? rest : rest.replace(secret, "(secret)");
      }
    }
    return rest;
  }

  private static String name(String url) {
    return "Alertmanager " + url + ": ";
  }

  private static String answer(HttpURLConnection connection) {
    try (InputStream in = connection.getErrorStream()) {
      return in == null ? "" : TextEscaper.decode(in.readNBytes(MAX_ANSWER)).strip();
    } catch (IOException e) {
      return ""; // the status says enough
    }
  }

  private static String cut(String text) {
    return EscapedText.cut(text, MAX_QUOTED);
  }
}
