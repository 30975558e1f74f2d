package org.lsm;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A mail server whose mood can change while it runs; it remembers what it has accepted. */
public final class FakeSmtpServer implements AutoCloseable {

  /** In the place of a reply: none comes, and the connection stays open. */
  public static final String SILENCE = "(silence)";

  /** In the place of a reply: the connection is closed. */
  public static final String HANG_UP = "(hang up)";

  /** In the place of a line: the end of a message. */
  public static final String END = "(end)";

  /** In the place of a line: the connection itself. */
  public static final String CONNECTION = "(connection)";

  /** A message that it has taken over, and for whom. */
  public record Accepted(List<String> recipients, List<String> lines) {

    /** What stands behind the name of a header. */
    public String header(String name) {
      String start = name + ": ";
      return lines.stream()
          .filter(line -> line.startsWith(start))
          .map(line -> line.substring(start.length()))
          .findFirst()
          .orElse("");
    }
  }

  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Map<String, String> moods = new ConcurrentHashMap<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final Queue<Socket> clients = new ConcurrentLinkedQueue<>();
  private final List<Accepted> accepted = new CopyOnWriteArrayList<>();

  /** A server that takes everything. */
  public FakeSmtpServer() throws IOException {
    start(this::serve);
  }

  /**
   * From now on answers this to lines that start so, be it a command or a line of a message; what
   * is answered to one of a message is the answer to its end.
   */
  public FakeSmtpServer answer(String start, String reply) {
    moods.put(start, reply);
    return this;
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** How often somebody came. */
  public int connections() {
    return connections.get();
  }

  /** What it has taken over, the first first. */
  public List<Accepted> accepted() {
    return accepted;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket client : clients) {
      client.close();
    }
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "moody mail server");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve() {
    try {
      while (true) {
        Socket client = listener.accept();
        connections.incrementAndGet();
        clients.add(client);
        start(() -> talk(client));
      }
    } catch (IOException e) {
      // It was closed.
    }
  }

  private void talk(Socket client) {
    try (client) {
      BufferedReader in =
          new BufferedReader(new InputStreamReader(client.getInputStream(), ISO_8859_1));
      if (!say(client, mood(CONNECTION).orElse("220 mx.example ESMTP"))) {
        return;
      }
      List<String> recipients = new ArrayList<>();
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String reply = mood(line).orElse(usual(line));
        if (line.startsWith("MAIL")) {
          recipients.clear();
        }
        if (line.startsWith("RCPT") && reply.startsWith("250")) {
          recipients.add(line.replaceFirst(".*<(.*)>.*", "$1"));
        }
        if (!say(client, reply)) {
          return;
        }
        if (line.startsWith("DATA") && reply.startsWith("354")) {
          List<String> lines = new ArrayList<>();
          String verdict = verdict(in, lines);
          if (verdict.startsWith("250")) {
            accepted.add(new Accepted(List.copyOf(recipients), lines));
          }
          if (!say(client, verdict)) {
            return;
          }
        }
      }
    } catch (IOException e) {
      // The client, or the test, has hung up.
    }
  }

  private static String usual(String line) {
    return line.startsWith("DATA") ? "354 go ahead" : "250 ok";
  }

  /** Reads a message, and tells what to answer to it. */
  private String verdict(BufferedReader in, List<String> lines) throws IOException {
    String verdict = mood(END).orElse("250 stored");
    for (String line = in.readLine(); line != null && !line.equals("."); line = in.readLine()) {
      lines.add(line);
      verdict = mood(line).orElse(verdict);
      if (verdict.equals(HANG_UP) && mood(END).isEmpty()) {
        return verdict;
      }
    }
    return verdict;
  }

  private Optional<String> mood(String line) {
    return moods.entrySet().stream()
        .filter(it -> line.startsWith(it.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** Sends a reply; tells whether the dialogue goes on. */
  private static boolean say(Socket client, String reply) throws IOException {
    if (!reply.equals(SILENCE) && !reply.equals(HANG_UP)) {
      client.getOutputStream().write((reply + "\r\n").getBytes(ISO_8859_1));
    }
    return !reply.equals(HANG_UP);
  }
}
