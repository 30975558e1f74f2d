package org.lsm.channel;

import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.URLName;
import jakarta.mail.internet.InternetAddress;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.eclipse.angus.mail.smtp.SMTPTransport;
import org.lsm.alert.DeliveryException;
import org.lsm.config.Config;
import org.lsm.config.Config.Tls;
import org.lsm.model.ErrorMessages;
import org.lsm.storage.SecureFiles;

/** Sends mails to the configured server; see {@link MailChannel} for the parameters. */
record SmtpClient(Config config, MailSystem system, Consumer<String> trace) {
  private static final int SMTPS_PORT = 465;
  private static final int CONNECT_TIMEOUT = 30_000; // milliseconds, for each address
  private static final int MAX_RECEIVED = 1024 * 1024; // bytes, in one dialogue
  private static final int QUIT_TIMEOUT = 5_000; // milliseconds; the mail has been accepted

  /** For a login, or null and null; servers may repeat a password that they do not understand. */
  record Secret(String user, String value) {
    /** Hides the password, also as AUTH LOGIN and AUTH PLAIN (RFC 4616) send it. */
    String redact(String text) {
      if (value == null || value.isEmpty()) {
        return text;
      }
      // Angus Mail sends the user name as the authorization identity as well, and reads replies as
      // ISO 8859-1.
      String reply =
          new String(value.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
      return Stream.of(base64(user + "\0" + user + "\0" + value), base64(value), value, reply)
          .reduce(text, (redacted, form) -> redacted.replace(form, "********"));
    }

    /** A copy of a failure and its causes for a stack trace. */
    Throwable redact(Throwable e) {
      if (value == null || e == null) {
        return e;
      }
      Throwable copy = new Exception(redact(e.toString()), redact(e.getCause()));
      copy.setStackTrace(e.getStackTrace());
      return copy;
    }

    private static String base64(String text) {
      return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
      return "Secret[" + user + "]";
    }
  }

  /** Connects to the first address of the server that answers. */
  Socket connect() throws IOException {
    String host = config.smtpHost();
    List<String> failures = new ArrayList<>();
    for (InetAddress address : InetAddress.getAllByName(host)) {
      Socket socket = new LimitedSocket();
      try {
        // With the configured name, the one in the certificate of the server.
        InetAddress named = InetAddress.getByAddress(host, address.getAddress());
        int timeout = (int) Math.min(CONNECT_TIMEOUT, system.timeout().toMillis());
        socket.connect(new InetSocketAddress(named, config.smtpPort()), timeout);
        socket.setSoTimeout((int) system.timeout().toMillis() / 2);
        return socket;
      } catch (IOException e) {
        socket.close();
        failures.add(address.getHostAddress() + ": " + SmtpFailure.explain(e));
      }
    }
    throw new IOException(String.join(", ", failures));
  }

  DeliveryException failure(IOException e) {
    Secret none = new Secret(null, null);
    return new SmtpFailure(e).toDeliveryException(config.smtpServer(), none, Optional::of);
  }

  /** Sends a mail over a connection, which it closes; returns the reply of the server. */
  String send(Socket socket, MailMessage message, List<String> recipients)
      throws DeliveryException {
    Secret password = password();
    AtomicBoolean complete = new AtomicBoolean();
    try {
      return CompletableFuture.supplyAsync(
              () -> converse(socket, message, recipients, password, complete),
              ExternalCommand::startDaemon)
          .orTimeout(system.timeout().toMillis(), TimeUnit.MILLISECONDS)
          .join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error; // memory may be short; the caller reports it
      }
      throw new SmtpFailure(e.getCause(), complete.get())
          .toDeliveryException(config.smtpServer(), password, message::recipient);
    } finally {
      close(socket); // which also ends a dialogue that took too long
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // What was accepted remains so.
    }
  }

  private Secret password() throws DeliveryException {
    if (config.smtpUser().isEmpty()) {
      return new Secret(null, null);
    }
    try {
      byte[] text = SecureFiles.read(config.smtpPassFile().orElseThrow());
      String line = new String(text, StandardCharsets.UTF_8).lines().findFirst().orElse("");
      return new Secret(config.smtpUser(), line);
    } catch (IOException e) {
      String advice = "; check SMTP_PASS_FILE and its permissions";
      throw new DeliveryException(
          "cannot read the password file: " + ErrorMessages.explain(e) + advice, e);
    }
  }

  private String converse(
      Socket connected,
      MailMessage message,
      List<String> recipients,
      Secret password,
      AtomicBoolean complete) {
    try {
      boolean implicit = usesTlsFromTheStart();
      Socket socket = implicit ? startTls(connected) : connected;
      Connection transport = new Connection(session(message, password, socket), password, complete);
      try {
        transport.connect(socket);
        socket.setSoTimeout((int) system.timeout().toMillis());
        return transfer(transport, message, recipients);
      } finally {
        transport.quit(connected, (int) Math.min(QUIT_TIMEOUT, system.timeout().toMillis()));
      }
    } catch (MessagingException | IOException | GeneralSecurityException e) {
      throw new CompletionException(e);
    }
  }

  /** A transport of Angus Mail over a socket that is connected. */
  private static final class Connection extends SMTPTransport {
    private static final Logger ANGUS = Logger.getLogger("org.eclipse.angus.mail.smtp");

    static {
      ANGUS.setLevel(Level.WARNING); // it would print that a server has no SMTPUTF8
    }

    private final Secret password;
    private final AtomicBoolean complete; // the server has a whole message, and has not answered

    Connection(Session session, Secret password, AtomicBoolean complete) {
      super(session, new URLName("smtp://"));
      this.password = password;
      this.complete = complete;
    }

    @Override
    protected void finishData() throws IOException, MessagingException {
      complete.set(true);
      try {
        super.finishData();
        complete.set(false);
      } catch (SMTPSendFailedException e) {
        complete.set(e.getReturnCode() < 0); // it closed the connection
        throw e;
      }
    }

    @Override
    public synchronized void connect(String host, int port, String user, String none)
        throws MessagingException {
      try {
        super.connect(host, port, password.user, password.value);
      } catch (AuthenticationFailedException | StarttlsException e) {
        throw e;
      } catch (MessagingException e) {
        boolean greeting = String.valueOf(e.getMessage()).startsWith("Got bad greeting");
        throw greeting ? new MessagingException(getLastServerResponse()) : e;
      }
    }

    @Override
    protected void startTLS() throws MessagingException {
      try {
        super.startTLS();
      } catch (MessagingException e) {
        throw new StarttlsException(e);
      }
    }

    void quit(Socket socket, int timeout) {
      try {
        socket.setSoTimeout(timeout);
        close();
      } catch (MessagingException | IOException e) {
        // What was accepted remains so.
      }
    }
  }

  /** A connection that ends where a server sends more than replies, which would fill the memory. */
  private static final class LimitedSocket extends Socket {
    private int left = MAX_RECEIVED;

    @Override
    public InputStream getInputStream() throws IOException {
      return new FilterInputStream(super.getInputStream()) {
        @Override
        public int read() throws IOException {
          byte[] single = new byte[1];
          return read(single, 0, 1) < 0 ? -1 : single[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
          int size = super.read(bytes, offset, length);
          left -= Math.max(size, 0);
          if (left < 0) {
            throw new IOException("the server sends too much");
          }
          return size;
        }
      };
    }
  }

  /** The server offers STARTTLS, but it fails. */
  static final class StarttlsException extends MessagingException {
    private static final long serialVersionUID = 1L;

    StarttlsException(MessagingException cause) {
      super(cause.getMessage(), cause);
    }
  }

  /** Sends the alert to the recipients whose addresses the server can take. */
  private static String transfer(
      Connection transport, MailMessage unrestricted, List<String> recipients)
      throws MessagingException {
    MailMessage message = unrestricted.withUtf8(transport.supportsExtension("SMTPUTF8"));
    List<InternetAddress> all = message.addresses(recipients);
    Predicate<InternetAddress> sendable = it -> message.utf8() || MailMessage.isAscii(it);
    InternetAddress[] to = all.stream().filter(sendable).toArray(InternetAddress[]::new);
    boolean sends = to.length > 0 && sendable.test(message.sender());
    String reply = sends ? transfer(transport, message, to) : "";
    if (to.length < all.size() || !sends) {
      InternetAddress lost =
          all.stream().filter(sendable.negate()).findFirst().orElse(message.sender());
      String problem = "for " + lost.getAddress() + ": the server has no SMTPUTF8 (RFC 6531)";
      throw new SendFailedException(problem, null, sends ? to : null, null, null);
    }
    return reply;
  }

  /** Sends the alert, or its summary if it is rejected: socket names can trigger mail filters. */
  private static String transfer(
      Connection transport, MailMessage message, InternetAddress[] recipients)
      throws MessagingException {
    try {
      transport.sendMessage(message.whole(), recipients);
      return transport.getLastServerResponse().strip();
    } catch (SMTPSendFailedException rejected) {
      if (rejected.getReturnCode() < 500) {
        throw rejected;
      }
      try {
        transport.sendMessage(message.summary(), recipients);
        return transport.getLastServerResponse().strip()
            + ", to a summary; it rejected the whole alert";
      } catch (MessagingException | IllegalStateException e) {
        boolean answered = e instanceof SendFailedException && !new SmtpFailure(e).hungUp();
        throw answered ? (SendFailedException) e : rejected;
      }
    } catch (MessagingException e) {
      boolean answered = e instanceof SendFailedException;
      throw answered ? e : new SendFailedException("the server stopped answering", e);
    }
  }

  private Session session(MailMessage message, Secret password, Socket socket)
      throws IOException, GeneralSecurityException {
    Properties properties = new Properties();
    properties.put("mail.smtp.auth", !config.smtpUser().isEmpty());
    properties.put("mail.smtp.localhost", helo(message, socket.getLocalAddress()));
    properties.put("mail.from", message.sender().getAddress());
    properties.put("mail.mime.address.strict", false);
    properties.put("mail.mime.allowutf8", !message.isAscii());
    // A rejected recipient must not keep the alert from the others.
    properties.put("mail.smtp.sendpartial", true);
    setStarttls(properties);
    Session session = Session.getInstance(properties);
    if (trace != null) {
      SmtpTrace lines = new SmtpTrace(it -> trace.accept(password.redact(it)));
      session.setDebugOut(new PrintStream(lines, true, StandardCharsets.UTF_8));
      session.setDebug(true);
    }
    return session;
  }

  /** How lsm introduces itself: some servers reject a name that is not fully qualified. */
  private String helo(MailMessage message, InetAddress local) {
    String literal = (local instanceof Inet6Address ? "[IPv6:" : "[") + local.getHostAddress();
    return config.smtpHelo().isEmpty()
        ? message.domain().orElse(literal.replaceFirst("%.*", "") + "]") // RFC 5321, 4.1.3
        : config.smtpHelo();
  }

  private boolean usesTlsFromTheStart() {
    Tls tls = config.smtpTls();
    return tls == Tls.TLS || (tls == Tls.AUTO && config.smtpPort() == SMTPS_PORT);
  }

  private Socket startTls(Socket socket) throws IOException, GeneralSecurityException {
    SSLSocketFactory factory =
        TrustedCertificates.socketFactory(system.authorities())
            .orElseGet(() -> (SSLSocketFactory) SSLSocketFactory.getDefault());
    SSLSocket encrypted =
        (SSLSocket) factory.createSocket(socket, config.smtpHost(), config.smtpPort(), true);
    SSLParameters parameters = encrypted.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS"); // the certificate has the name
    encrypted.setSSLParameters(parameters);
    encrypted.startHandshake();
    return encrypted;
  }

  private void setStarttls(Properties properties) throws IOException, GeneralSecurityException {
    Tls tls = config.smtpTls();
    boolean auto = tls == Tls.AUTO && !usesTlsFromTheStart();
    boolean required = tls == Tls.STARTTLS || (auto && !config.smtpUser().isEmpty());
    // Without a login, STARTTLS is used if offered, with any certificate: no password is sent, and
    // the alternative is clear text (RFC 7435).
    boolean opportunistic = auto && !required;
    properties.put("mail.smtp.starttls.enable", required || opportunistic);
    properties.put("mail.smtp.starttls.required", required);
    properties.put("mail.smtp.ssl.checkserveridentity", !opportunistic);
    if (opportunistic) {
      properties.put("mail.smtp.ssl.trust", "*");
    } else if (required) {
      TrustedCertificates.socketFactory(system.authorities())
          .ifPresent(it -> properties.put("mail.smtp.ssl.socketFactory", it));
    }
  }
}
