package org.lsm;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLContext;

/** An HTTP server in the place of Alertmanager, which records what is posted. */
public final class FakeAlertmanager implements AutoCloseable {

  /** Instead of a status: the server takes the request and sends nothing. */
  public static final int SILENCE = 0;

  /** A request: its path, its headers with names like {@code User-agent}, and its alerts. */
  public record Post(String path, Map<String, List<String>> headers, JsonArray alerts) {

    /** The labels of the alerts that fire, with {@code +}, and of those that are resolved. */
    public List<String> labels() {
      List<String> all = new ArrayList<>();
      for (JsonElement it : alerts) {
        JsonObject labels = it.getAsJsonObject().getAsJsonObject("labels");
        String name = labels.get("alertname").getAsString();
        String socket = labels.has("socket") ? " " + labels.get("socket").getAsString() : "";
        all.add((it.getAsJsonObject().has("startsAt") ? "+" : "-") + name + socket);
      }
      return all;
    }
  }

  private final HttpServer server;
  private final boolean isEncrypted;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Post> posts = new CopyOnWriteArrayList<>();
  private volatile int status = 200;
  private volatile String header = "";
  private volatile String body = "";

  public FakeAlertmanager() throws IOException {
    this(null);
  }

  /** A server with TLS, unless {@code tls} is null. */
  public FakeAlertmanager(SSLContext tls) throws IOException {
    isEncrypted = tls != null;
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    if (isEncrypted) {
      HttpsServer encrypted = HttpsServer.create(address, 0);
      encrypted.setHttpsConfigurator(new HttpsConfigurator(tls));
      server = encrypted;
    } else {
      server = HttpServer.create(address, 0);
    }
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  /** From now on, the server answers with this; a header is {@code NAME: VALUE}, or empty. */
  public FakeAlertmanager answer(int newStatus, String newHeader, String newBody) {
    status = newStatus;
    header = newHeader;
    body = newBody;
    return this;
  }

  private void answer(HttpExchange exchange) throws IOException {
    String json = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    posts.add(
        new Post(
            exchange.getRequestURI().getPath(),
            Map.copyOf(exchange.getRequestHeaders()),
            JsonParser.parseString(json).getAsJsonArray()));
    if (status == SILENCE) {
      return; // with the connection open
    }
    if (!header.isEmpty()) {
      exchange
          .getResponseHeaders()
          .add(header.replaceFirst(":.*", ""), header.replaceFirst(".*?: ", ""));
    }
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  public String url() {
    return (isEncrypted ? "https" : "http") + "://127.0.0.1:" + server.getAddress().getPort();
  }

  /** What was posted since the last call. */
  public List<Post> posts() {
    List<Post> all = List.copyOf(posts);
    posts.clear();
    return all;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
