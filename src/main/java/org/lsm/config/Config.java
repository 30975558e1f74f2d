package org.lsm.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.PortSet;
import org.lsm.storage.SecureFiles;

/** The configuration of conf.lsm, validated; an accessor a key. */
public final class Config {

  /** How alerts are mailed. */
  public enum Mailer {
    SMTP,
    SENDMAIL,
    NONE
  }

  /** How the connection to the mail server is encrypted. */
  public enum Tls {
    /** Implicit TLS on port 465, otherwise STARTTLS if offered; required to send a password. */
    AUTO,
    STARTTLS,
    TLS,
    NONE
  }

  /** What lsm does about port scans. */
  public enum SentryMode {
    OFF,
    REPORT,
    BLOCK
  }

  private static final Pattern LINE =
      Pattern.compile(
          "\\s*([A-Za-z_][A-Za-z0-9_]*)="
              // The possessive *+ keeps Java from recursing at each character.
              + "(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|'([^']*)'|([^\\s\"'#]*))"
              + "(?:\\s+#.*|\\s*)",
          Pattern.DOTALL); // files may have CRLF line ends

  private final Map<ConfigKey, String> values = new EnumMap<>(ConfigKey.class);

  private Config() {}

  /**
   * Reads a file of lines like {@code KEY="value" # comment}, quoted as in a shell. Nothing is
   * executed or expanded.
   *
   * @throws ConfigException at the first mistake
   */
  public static Config read(Path file) throws IOException, ConfigException {
    return parse(file, decode(file, SecureFiles.read(file)));
  }

  /** The configuration of an empty file. */
  public static Config defaults() {
    return new Config();
  }

  static String decode(Path file, byte[] bytes) throws ConfigException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new ConfigException(file, "is not UTF-8 text; save it as UTF-8");
    }
  }

  /** Parses each line; a mistake is an IllegalArgumentException of the parser. */
  static void parseLines(Path file, String text, BiConsumer<Integer, String> parser)
      throws ConfigException {
    int number = 0;
    for (String line : text.replaceFirst("^\uFEFF", "").split("\n", -1)) {
      number++;
      try {
        parser.accept(number, line);
      } catch (IllegalArgumentException e) {
        throw new ConfigException(file, number, e.getMessage());
      }
    }
  }

  static Config parse(Path file, String text) throws ConfigException {
    Config config = new Config();
    Map<ConfigKey, Integer> lines = new EnumMap<>(ConfigKey.class);
    parseLines(file, text, (number, line) -> config.parseLine(number, line, lines));
    if (!config.smtpUser().isEmpty() && config.smtpPassFile().isEmpty()) {
      throw new ConfigException(
          file,
          lines.get(ConfigKey.SMTP_USER),
          "SMTP_USER needs SMTP_PASS_FILE, the path of a file that holds the password");
    }
    return config;
  }

  private void parseLine(int number, String line, Map<ConfigKey, Integer> lines) {
    if (line.isBlank() || line.stripLeading().startsWith("#")) {
      return;
    }
    Matcher matcher = LINE.matcher(line);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("expected KEY=\"value\" and at most a comment behind it");
    }
    ConfigKey key = ConfigKey.of(matcher.group(1));
    Integer first = lines.putIfAbsent(key, number);
    if (first != null) {
      throw new IllegalArgumentException(key + " is set again; remove this line or line " + first);
    }
    String value = value(matcher);
    key.validate(value);
    values.put(key, value);
  }

  private static String value(Matcher line) {
    if (line.group(2) != null) {
      // As in a shell, a backslash escapes only these characters within double quotes.
      return line.group(2).replaceAll("\\\\([\"\\\\$`])", "$1");
    }
    return line.group(3) != null ? line.group(3) : line.group(4);
  }

  private String get(ConfigKey key) {
    return values.getOrDefault(key, key.defaultValue());
  }

  private <E extends Enum<E>> E choice(Class<E> type, ConfigKey key) {
    return Enum.valueOf(type, get(key).toUpperCase(Locale.ROOT));
  }

  private boolean isYes(ConfigKey key) {
    return get(key).equals("yes");
  }

  private Optional<Path> file(ConfigKey key) {
    return Optional.of(get(key)).filter(path -> !path.isEmpty()).map(Path::of);
  }

  static List<String> words(String value) {
    return Stream.of(value.split("[,\\s]+")).filter(word -> !word.isEmpty()).toList();
  }

  /** A time like 30m, 24h or 7d; 0 needs no unit. */
  public static Duration duration(String value) {
    long number = Long.parseLong(value.replaceFirst("[mhd]$", ""));
    return switch (value.charAt(value.length() - 1)) {
      case 'd' -> Duration.ofDays(number);
      case 'h' -> Duration.ofHours(number);
      default -> Duration.ofMinutes(number);
    };
  }

  /** The recipients of alerts; names without a domain are users of this host. */
  public List<String> recipients() {
    return words(get(ConfigKey.USER));
  }

  /** The subject of alerts, with its variables. */
  public String subject() {
    return get(ConfigKey.SUB);
  }

  /** The sender of alerts; without a domain it is a user of this host. */
  public String from() {
    return get(ConfigKey.FROM).isEmpty() ? "root" : get(ConfigKey.FROM);
  }

  public Mailer mailer() {
    return choice(Mailer.class, ConfigKey.MAILER);
  }

  public String smtpHost() {
    return get(ConfigKey.SMTP_HOST);
  }

  public int smtpPort() {
    return Integer.parseInt(get(ConfigKey.SMTP_PORT));
  }

  public Tls smtpTls() {
    return choice(Tls.class, ConfigKey.SMTP_TLS);
  }

  /** The name to log in with at the mail server; empty for no login. */
  public String smtpUser() {
    return get(ConfigKey.SMTP_USER);
  }

  /** The file whose first line is the password of {@link #smtpUser}. */
  public Optional<Path> smtpPassFile() {
    return file(ConfigKey.SMTP_PASS_FILE);
  }

  public Path stateDirectory() {
    return Path.of(get(ConfigKey.STATE_DIR));
  }

  /** The interval of reminders of differences that persist; zero for every run. */
  public Duration remind() {
    return duration(get(ConfigKey.REMIND));
  }

  public boolean syslog() {
    return isYes(ConfigKey.SYSLOG);
  }

  /** The command of sh(1) for alerts; empty for none. */
  public String runCommand() {
    return get(ConfigKey.RUN_CMD);
  }

  /** The file for the textfile collector of Prometheus' node_exporter. */
  public Optional<Path> metricsFile() {
    return file(ConfigKey.METRICS_FILE);
  }

  /** The protocols whose ephemeral ports are identified by their owner instead of their number. */
  public EphemeralPorts.Scope ephemeral() {
    return choice(EphemeralPorts.Scope.class, ConfigKey.EPHEMERAL);
  }

  /** Whether to scan all network namespaces, or only that of the host. */
  public boolean allNetworkNamespaces() {
    return get(ConfigKey.NETNS).equals("all");
  }

  public SentryMode sentry() {
    return choice(SentryMode.class, ConfigKey.SENTRY);
  }

  /** How many distinct ports make a port scan. */
  public int sentryTrigger() {
    return Integer.parseInt(get(ConfigKey.SENTRY_TRIGGER));
  }

  /** The interval of alerts of a host that keeps scanning; zero for every run. */
  public Duration sentryRemind() {
    return duration(get(ConfigKey.SENTRY_REMIND));
  }

  /** Whether to resolve the names of scanning hosts. */
  public boolean sentryResolves() {
    return isYes(ConfigKey.SENTRY_RESOLVE);
  }

  /** How long a scanning host is blocked. */
  public Duration sentryBlock() {
    return duration(get(ConfigKey.SENTRY_BLOCK));
  }

  /** Whether UDP ports count for a block, although senders of datagrams can be forged. */
  public boolean sentryBlocksByUdp() {
    return isYes(ConfigKey.SENTRY_BLOCK_UDP);
  }

  /** The hosts whose probes do not count. */
  public List<CidrBlock> sentryIgnore() {
    return words(get(ConfigKey.SENTRY_IGNORE)).stream().map(CidrBlock::parse).toList();
  }

  /** The TCP ports to watch while no socket listens on them. */
  public PortSet sentryTcp() {
    return PortSet.parse(get(ConfigKey.SENTRY_TCP))
        .without(PortSet.parse(get(ConfigKey.SENTRY_EXCLUDE_TCP)));
  }

  /** The UDP ports to watch while no socket is bound to them. */
  public PortSet sentryUdp() {
    return PortSet.parse(get(ConfigKey.SENTRY_UDP))
        .without(PortSet.parse(get(ConfigKey.SENTRY_EXCLUDE_UDP)));
  }
}
