package org.lsm.channel;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A mail server that answers from a table and writes down every line that it is told. */
final class ScriptedSmtpServer implements AutoCloseable {

  /** In the place of a reply: the connection is closed without one. */
  static final String HANG_UP = "";

  private final ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
  private final Map<String, String> replies = new LinkedHashMap<>();
  private final List<String> dialogue = new CopyOnWriteArrayList<>();
  private final SSLContext tls;
  private final Thread thread = new Thread(this::serve, "scripted SMTP server");

  /**
   * @param tls for STARTTLS, or null
   * @param replies by the first word or words of a command; where there is none, the usual ones
   */
  ScriptedSmtpServer(SSLContext tls, Map<String, String> replies) throws IOException {
    this.tls = tls;
    this.replies.putAll(replies);
    Map.of(
            "greeting", "220 mx.example ESMTP",
            "EHLO", tls == null ? "250 mx.example" : "250-mx.example\r\n250 STARTTLS",
            "STARTTLS", "220 go ahead",
            "DATA", "354 go ahead",
            "QUIT", "221 bye")
        .forEach(this.replies::putIfAbsent);
    thread.start();
  }

  int port() {
    return listener.getLocalPort();
  }

  /** The lines it got, those that came encrypted marked with {@code TLS}; ends the server. */
  List<String> dialogue() throws IOException, InterruptedException {
    close();
    thread.join(5000);
    return dialogue;
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  private void serve() {
    while (!listener.isClosed()) {
      try (Socket client = listener.accept()) {
        client.setSoTimeout(10_000);
        if (send(client, replies.get("greeting"))) {
          talk(client, "");
        }
      } catch (SocketException e) {
        // The client or the test has hung up.
      } catch (IOException e) {
        dialogue.add("(" + e.getClass().getSimpleName() + ")");
      }
    }
  }

  private void talk(Socket client, String mark) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(client.getInputStream(), ISO_8859_1));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      dialogue.add(mark + line);
      String reply = reply(line);
      if (!send(client, reply)) {
        return;
      }
      if (line.equals("STARTTLS") && reply.startsWith("220")) {
        talk(encrypted(client), "TLS ");
        return;
      }
      if (line.equals("DATA") && reply.startsWith("354")) {
        in.lines().takeWhile(text -> !text.equals(".")).forEach(text -> dialogue.add(mark + text));
        if (!send(client, reply("stored"))) {
          return;
        }
      }
    }
  }

  private Socket encrypted(Socket client) throws IOException {
    SSLSocket socket = (SSLSocket) tls.getSocketFactory().createSocket(client, null, true);
    socket.startHandshake();
    return socket;
  }

  private String reply(String line) {
    return replies.entrySet().stream()
        .filter(reply -> line.startsWith(reply.getKey()))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse("250 ok");
  }

  /** Sends a reply; tells whether there was one. */
  private static boolean send(Socket client, String reply) throws IOException {
    client.getOutputStream().write(reply.isEmpty() ? new byte[0] : line(reply));
    return !reply.equals(HANG_UP);
  }

  private static byte[] line(String reply) {
    return (reply + "\r\n").getBytes(ISO_8859_1);
  }
}
