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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.EphemeralPorts;
import org.lsm.model.PortSet;
import org.lsm.storage.SecureFiles;

/** The configuration: conf.lsm, checked, with defaults where it is silent. */
public final class Config {

  /** How alerts are mailed. */
  public enum Mailer {
    SMTP,
    SENDMAIL,
    NONE
  }

  /** How a connection to the mail server is encrypted. */
  public enum Tls {
    /** Implicit TLS on port 465; elsewhere STARTTLS, required if a password is sent. */
    AUTO,
    STARTTLS,
    TLS,
    NONE
  }

  /** What is done about probes of unused ports. */
  public enum SentryMode {
    OFF,
    REPORT,
    BLOCK
  }

  private static final Pattern LINE =
      Pattern.compile(
          "\\s*([A-Za-z_][A-Za-z0-9_]*)="
              + "(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|'([^']*)'|([^\\s\"'#]*))"
              + "(?:\\s+#.*|\\s*)",
          // Lest a dot stop at the carriage return of a CRLF file. The possessive *+ above keeps
          // Java from recursing at every character.
          Pattern.DOTALL);

  private final Map<ConfigKey, String> values;

  private Config(Map<ConfigKey, String> values) {
    this.values = values;
  }

  /**
   * Reads a configuration file. Lines look as a shell would read them ({@code KEY="value" # why}),
   * but nothing is ever executed or expanded.
   *
   * @throws ConfigException at the first thing that is wrong
   */
  public static Config read(Path file) throws IOException, ConfigException {
    return parse(file, decode(file, SecureFiles.read(file)));
  }

  /** The configuration where no file sets anything. */
  public static Config defaults() {
    return new Config(Map.of());
  }

  static String decode(Path file, byte[] bytes) throws ConfigException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new ConfigException(file, "is not UTF-8 text; save it as UTF-8");
    }
  }

  static Config parse(Path file, String text) throws ConfigException {
    Map<ConfigKey, String> values = new EnumMap<>(ConfigKey.class);
    Map<ConfigKey, Integer> lines = new EnumMap<>(ConfigKey.class);
    int number = 0;
    for (String line : text.replaceFirst("^\uFEFF", "").split("\n", -1)) {
      number++;
      if (line.isBlank() || line.stripLeading().startsWith("#")) {
        continue;
      }
      Matcher matcher = LINE.matcher(line);
      if (!matcher.matches()) {
        throw new ConfigException(
            file, number, "expected KEY=\"value\" and at most a comment behind it");
      }
      ConfigKey key = key(file, number, matcher.group(1));
      Integer first = lines.putIfAbsent(key, number);
      if (first != null) {
        throw new ConfigException(
            file, number, key + " is set again; remove this line or line " + first);
      }
      values.put(key, checked(file, number, key, value(matcher)));
    }
    Config config = new Config(values);
    config.checkTogether(file, lines);
    return config;
  }

  private static ConfigKey key(Path file, int line, String name) throws ConfigException {
    Optional<ConfigKey> key = ConfigKey.of(name);
    if (key.isEmpty()) {
      throw new ConfigException(
          file, line, "unknown key " + name + "; did you mean " + ConfigKey.nearest(name) + "?");
    }
    return key.get();
  }

  private static String value(Matcher line) {
    if (line.group(2) != null) {
      // As in a shell: a backslash takes the meaning from " \ $ ` and stands for itself elsewhere.
      return line.group(2).replaceAll("\\\\([\"\\\\$`])", "$1");
    }
    return line.group(3) != null ? line.group(3) : line.group(4);
  }

  private static String checked(Path file, int line, ConfigKey key, String value)
      throws ConfigException {
    Optional<String> problem =
        value.chars().anyMatch(Character::isISOControl)
            ? Optional.of("has a control character")
            : key.problem(value);
    if (problem.isPresent()) {
      throw new ConfigException(file, line, key + " " + problem.get());
    }
    return value;
  }

  private void checkTogether(Path file, Map<ConfigKey, Integer> lines) throws ConfigException {
    if (!smtpUser().isEmpty() && smtpPassFile().isEmpty()) {
      throw new ConfigException(
          file,
          lines.get(ConfigKey.SMTP_USER),
          "SMTP_USER needs SMTP_PASS_FILE, the path of a file that holds the password");
    }
  }

  private String get(ConfigKey key) {
    return values.getOrDefault(key, key.defaultValue());
  }

  static List<String> words(String value) {
    return Stream.of(value.split("[,\\s]+")).filter(word -> !word.isEmpty()).toList();
  }

  /** Whom alerts are mailed to; names without a domain are users of this host. */
  public List<String> recipients() {
    return words(get(ConfigKey.USER));
  }

  /** Subject of alerts, its variables not yet expanded. */
  public String subject() {
    return get(ConfigKey.SUB);
  }

  /** Sender of alerts; without a domain it is a user of this host. */
  public String from() {
    return get(ConfigKey.FROM).isEmpty() ? "root" : get(ConfigKey.FROM);
  }

  public Mailer mailer() {
    return Mailer.valueOf(get(ConfigKey.MAILER).toUpperCase(Locale.ROOT));
  }

  public String smtpHost() {
    return get(ConfigKey.SMTP_HOST);
  }

  public int smtpPort() {
    return Integer.parseInt(get(ConfigKey.SMTP_PORT));
  }

  public Tls smtpTls() {
    return Tls.valueOf(get(ConfigKey.SMTP_TLS).toUpperCase(Locale.ROOT));
  }

  /** Name to log in with at the mail server; empty for no login. */
  public String smtpUser() {
    return get(ConfigKey.SMTP_USER);
  }

  /** The file whose first line is the password for {@link #smtpUser}. */
  public Optional<Path> smtpPassFile() {
    return Optional.of(get(ConfigKey.SMTP_PASS_FILE)).filter(path -> !path.isEmpty()).map(Path::of);
  }

  /** The directory of the baseline and all else that lsm remembers. */
  public Path stateDirectory() {
    return Path.of(get(ConfigKey.STATE_DIR));
  }

  /** How long to say nothing more of a difference that lasts; zero for not at all. */
  public Duration remind() {
    return duration(get(ConfigKey.REMIND));
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

  /** Whether alerts are logged. */
  public boolean syslog() {
    return !get(ConfigKey.SYSLOG).equals("no");
  }

  /** Whether they are logged with structured data. */
  public boolean structuredSyslog() {
    return get(ConfigKey.SYSLOG).equals("rfc5424");
  }

  /** A command of sh(1) that alerts are handed to; empty for none. */
  public String runCommand() {
    return get(ConfigKey.RUN_CMD);
  }

  /** The file for the textfile collector of Prometheus' node_exporter. */
  public Optional<Path> metricsFile() {
    return Optional.of(get(ConfigKey.METRICS_FILE)).filter(path -> !path.isEmpty()).map(Path::of);
  }

  /** The protocols whose ephemeral ports count by their owner instead of their number. */
  public EphemeralPorts.Scope ephemeral() {
    return EphemeralPorts.Scope.valueOf(get(ConfigKey.EPHEMERAL).toUpperCase(Locale.ROOT));
  }

  /** Whether to look into all network namespaces, or only into that of the host. */
  public boolean allNetworkNamespaces() {
    return get(ConfigKey.NETNS).equals("all");
  }

  /** What to do about probes of unused ports. */
  public SentryMode sentry() {
    return SentryMode.valueOf(get(ConfigKey.SENTRY).toUpperCase(Locale.ROOT));
  }

  /** How many distinct ports make a scan. */
  public int sentryTrigger() {
    return Integer.parseInt(get(ConfigKey.SENTRY_TRIGGER));
  }

  /** How long to say nothing more of a host that goes on scanning; zero for not at all. */
  public Duration sentryRemind() {
    return duration(get(ConfigKey.SENTRY_REMIND));
  }

  /** Whether to look up the names of hosts that scan. */
  public boolean sentryResolves() {
    return get(ConfigKey.SENTRY_RESOLVE).equals("yes");
  }

  /** How long a host that scans is blocked. */
  public Duration sentryBlock() {
    return duration(get(ConfigKey.SENTRY_BLOCK));
  }

  /** Whether UDP ports count towards that, although anybody can forge who sends a datagram. */
  public boolean sentryBlocksByUdp() {
    return get(ConfigKey.SENTRY_BLOCK_UDP).equals("yes");
  }

  /** Whose probes do not count. */
  public List<CidrBlock> sentryIgnore() {
    return words(get(ConfigKey.SENTRY_IGNORE)).stream().map(CidrBlock::parse).toList();
  }

  /** The TCP ports to watch as long as nobody serves them. */
  public PortSet sentryTcp() {
    return PortSet.parse(get(ConfigKey.SENTRY_TCP))
        .without(PortSet.parse(get(ConfigKey.SENTRY_EXCLUDE_TCP)));
  }

  /** The UDP ports to watch as long as nobody serves them. */
  public PortSet sentryUdp() {
    return PortSet.parse(get(ConfigKey.SENTRY_UDP))
        .without(PortSet.parse(get(ConfigKey.SENTRY_EXCLUDE_UDP)));
  }
}
