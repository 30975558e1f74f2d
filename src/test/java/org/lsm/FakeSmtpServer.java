package org.lsm;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
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
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * A mail server that accepts everything, unless a test sets other replies, and records what it
 * received.
 */
public final class FakeSmtpServer implements AutoCloseable {

  /** Instead of a reply: the server sends nothing and keeps the connection open. */
  public static final String SILENCE = "(silence)";

  /** Instead of a reply: the server closes the connection. */
  public static final String HANG_UP = "(hang up)";

  /** Instead of a reply: the server sends one byte now and then, without an end. */
  public static final String TRICKLE = "(trickle)";

  /** Instead of the start of a line: the end of a message. */
  public static final String END = "(end)";

  /** Instead of the start of a line: a new connection. */
  public static final String CONNECTION = "(connection)";

  /** A message that the server accepted, with its recipients. */
  public record Accepted(List<String> recipients, List<String> lines) {

    /** The value of a header, or "". */
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
  private final SSLContext tls;
  private final Map<String, String> replies = new ConcurrentHashMap<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final Queue<Socket> clients = new ConcurrentLinkedQueue<>();
  private final List<Accepted> accepted = new CopyOnWriteArrayList<>();
  private final List<String> dialogue = new CopyOnWriteArrayList<>();

  /** A server without STARTTLS. */
  public FakeSmtpServer() throws IOException {
    this(null);
  }

  /** A server that offers STARTTLS, unless {@code tls} is null. */
  public FakeSmtpServer(SSLContext tls) throws IOException {
    this.tls = tls;
    start(this::serve);
  }

  /**
   * Sets the reply to lines with this start. If such a line is part of a message, its reply is the
   * one to the end of the message.
   */
  public FakeSmtpServer answer(String start, String reply) {
    replies.put(start, reply);
    return this;
  }

  public int port() {
    return listener.getLocalPort();
  }

  public int connections() {
    return connections.get();
  }

  /** The messages that the server accepted, the oldest first. */
  public List<Accepted> accepted() {
    return accepted;
  }

  /** All lines that the server received; those that came encrypted start with "TLS ". */
  public List<String> dialogue() {
    return dialogue;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket client : clients) {
      client.close();
    }
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "fake SMTP server");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve() {
    try {
      while (true) {
        Socket client = listener.accept();
        connections.incrementAndGet();
        clients.add(client);
        start(() -> serve(client));
      }
    } catch (IOException e) {
      // The test has closed it.
    }
  }

  private void serve(Socket client) {
    try (client) {
      String greeting = reply(CONNECTION).orElse("220 mx.example ESMTP");
      if (greeting.equals(SILENCE)) {
        client.getInputStream().transferTo(OutputStream.nullOutputStream());
      } else if (send(client, greeting)) {
        converse(client, "");
      }
    } catch (IOException e) {
      // The client or the test has closed the connection.
    }
  }

  private void converse(Socket client, String mark) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(client.getInputStream(), ISO_8859_1));
    List<String> recipients = new ArrayList<>();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      dialogue.add(mark + line);
      String reply = reply(line).orElse(defaultReply(line));
      if (line.startsWith("MAIL")) {
        recipients.clear();
      }
      if (line.startsWith("RCPT") && reply.startsWith("250")) {
        recipients.add(line.replaceFirst(".*<(.*)>.*", "$1"));
      }
      if (!send(client, reply)) {
        return;
      }
      if (line.equals("STARTTLS") && reply.startsWith("220")) {
        SSLSocket encrypted = (SSLSocket) tls.getSocketFactory().createSocket(client, null, true);
        encrypted.startHandshake();
        converse(encrypted, "TLS ");
        return;
      }
      if (line.startsWith("DATA") && reply.startsWith("354")) {
        List<String> lines = new ArrayList<>();
        String end = readMessage(in, lines);
        lines.forEach(it -> dialogue.add(mark + it));
        if (end.startsWith("250")) {
          accepted.add(new Accepted(List.copyOf(recipients), lines));
        }
        if (!send(client, end)) {
          return;
        }
      }
    }
  }

  /** Reads a message and returns the reply to it. */
  private String readMessage(BufferedReader in, List<String> lines) throws IOException {
    String reply = reply(END).orElse("250 stored");
    for (String line = in.readLine(); line != null && !line.equals("."); line = in.readLine()) {
      lines.add(line);
      reply = reply(line).orElse(reply);
      if (reply.equals(HANG_UP) && reply(END).isEmpty()) {
        return reply;
      }
    }
    return reply;
  }

  private Optional<String> reply(String line) {
    return replies.entrySet().stream()
        .filter(it -> line.startsWith(it.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  private String defaultReply(String line) {
    return switch (line.replaceFirst(" .*", "")) {
      case "EHLO" -> tls == null ? "250 mx.example" : "250-mx.example\r\n250 STARTTLS";
      case "STARTTLS" -> "220 go ahead";
      case "DATA" -> "354 go ahead";
      case "QUIT" -> "221 bye";
      default -> "250 ok";
    };
  }

  /** Sends a reply; returns whether the dialogue continues. */
  private static boolean send(Socket client, String reply) throws IOException {
    switch (reply) {
      case SILENCE -> {}
      case HANG_UP -> {
        return false;
      }
      case TRICKLE -> {
        while (true) {
          client.getOutputStream().write('2');
          pause();
        }
      }
      default -> client.getOutputStream().write((reply + "\r\n").getBytes(ISO_8859_1));
    }
    return true;
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(30);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
