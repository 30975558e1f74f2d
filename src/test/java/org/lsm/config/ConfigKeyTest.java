package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The keys, their names and valid values, and the documents that list them. */
class ConfigKeyTest {

  @ParameterizedTest
  @CsvSource({
    "USERS, USER",
    "user, USER",
    "USR, USER",
    "SUBJECT, SUB",
    "Sub, SUB",
    "FORM, FROM",
    "MAIL, MAILER",
    "SMTP_TSL, SMTP_TLS",
    "SMTPHOST, SMTP_HOST",
    "SMTP_PORTS, SMTP_PORT",
    "SMTP_USERS, SMTP_USER",
    "SMTP_PASSFILE, SMTP_PASS_FILE",
    "STATEDIR, STATE_DIR",
    "statedir, STATE_DIR",
    "REMINDER, REMIND",
    "syslog, SYSLOG",
    "RUNCMD, RUN_CMD",
    "RUN_COMMAND, RUN_CMD",
    "METRICS_FILES, METRICS_FILE",
    "ALERTMANAGER_URLS, ALERTMANAGER_URL",
    "ALERTMANAGER_HEADER_FILE, ALERTMANAGER_HEADERS_FILE",
    "sentry, SENTRY",
    "SENTRY_TRIGER, SENTRY_TRIGGER",
    "SENTRY_IGNORED, SENTRY_IGNORE",
    "SENTRY_EXCLUDETCP, SENTRY_EXCLUDE_TCP",
    "SENTRY_BLOCKUDP, SENTRY_BLOCK_UDP"
  })
  void suggestsTheNearestKey(String name, ConfigKey nearest) {
    Exception e = assertThrows(IllegalArgumentException.class, () -> ConfigKey.of(name));
    assertEquals("unknown key " + name + "; did you mean " + nearest + "?", e.getMessage());
  }

  @ParameterizedTest
  @EnumSource
  void findsKeysByTheirExactName(ConfigKey key) {
    assertEquals(key, ConfigKey.of(key.name()));
  }

  @ParameterizedTest
  @EnumSource
  void defaultIsValid(ConfigKey key) {
    key.validate(key.defaultValue());
  }

  // ---- documents

  @Test
  void shippedFileHasEveryKeyOnce() throws IOException {
    assertEquals(
        sorted(lines(Path.of("conf/conf.lsm"), "([A-Z_]+=\"[^\"]*\") +# .+")),
        Arrays.stream(ConfigKey.values()).map(ConfigKeyTest::line).sorted().toList());
    assertEquals(List.of(), lines(Path.of("conf/conf.lsm"), "((?!#|[A-Z_]+=\"[^\"]*\" +# .).+)"));
  }

  @Test
  void manualHasEveryKeyOnce() throws IOException {
    assertEquals(
        sorted(lines(Path.of("src/main/man/conf.lsm.adoc"), "\\*([A-Z_]+=\"[^\"]*\")\\*::")),
        Arrays.stream(ConfigKey.values()).map(ConfigKeyTest::line).sorted().toList());
  }

  /** The manual names each of a few choices. */
  @ParameterizedTest
  @EnumSource
  void manualHasEveryChoice(ConfigKey key) throws IOException {
    String manual = Files.readString(Path.of("src/main/man/conf.lsm.adoc"));
    int start = manual.indexOf("*" + line(key) + "*::");
    String text = manual.substring(start, manual.indexOf("\n\n", start));
    String prefix = key + " must be one of ";
    String problem = problem(key, "(none of them)");
    if (problem.startsWith(prefix)) {
      for (String choice : problem.substring(prefix.length()).split(", ", -1)) {
        assertTrue(text.contains("*" + choice + "*"), choice);
      }
    }
  }

  @Test
  void readmeHasOnlyKnownKeys() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    List<String> keys =
        Pattern.compile("\\b(SMTP|SENTRY|METRICS|RUN|STATE)_[A-Z_]+")
            .matcher(readme)
            .results()
            .map(MatchResult::group)
            .toList();
    keys.forEach(ConfigKey::of);
    assertFalse(keys.isEmpty());
  }

  private static String line(ConfigKey key) {
    return key + "=\"" + key.defaultValue() + "\"";
  }

  /** What the group of this pattern has in each line that matches. */
  private static List<String> lines(Path file, String regex) throws IOException {
    return Pattern.compile("^" + regex + "$", Pattern.MULTILINE)
        .matcher(Files.readString(file))
        .results()
        .map((MatchResult it) -> it.group(1))
        .toList();
  }

  private static List<String> sorted(List<String> lines) {
    return lines.stream().sorted().toList();
  }

  private static String problem(ConfigKey key, String value) {
    try {
      key.validate(value);
      return "";
    } catch (IllegalArgumentException e) {
      return e.getMessage();
    }
  }

  // ---- values

  @ParameterizedTest
  @CsvSource({
    "USER, root",
    "USER, root+lsm@mail.example.org",
    "SUB, ''",
    "FROM, ''",
    "FROM, lsm@example.org",
    "MAILER, none",
    "SMTP_HOST, mail.example.org",
    "SMTP_HOST, 192.0.2.7",
    "SMTP_HOST, ::1",
    "SMTP_PORT, 1",
    "SMTP_PORT, 65535",
    "SMTP_TLS, tls",
    "SMTP_PASS_FILE, ''",
    "SMTP_PASS_FILE, /etc/a b",
    "STATE_DIR, /",
    "REMIND, 0",
    "REMIND, 0m",
    "REMIND, 30m",
    "REMIND, 24h",
    "REMIND, 99999d",
    "SYSLOG, yes",
    "SYSLOG, no",
    "RUN_CMD, ''",
    "RUN_CMD, 'curl -d @- \"$LSM_SUBJECT\" | logger; exit'",
    "METRICS_FILE, ''",
    "METRICS_FILE, /var/lib/node_exporter/lsm.prom",
    "ALERTMANAGER_URL, ''",
    "ALERTMANAGER_URL, 'https://am1.example.org:9093, http://192.0.2.1 http://[::1]:9093/a/b-c_d~e.f/'",
    "ALERTMANAGER_LABELS, ''",
    "ALERTMANAGER_LABELS, 'role=web dc=fra-1, _Team9=a=b'",
    "ALERTMANAGER_HEADERS_FILE, /etc/lsm/headers",
    "ALERTMANAGER_CA, /etc/lsm/ca.pem",
    "SENTRY, report",
    "SENTRY, block",
    "SENTRY_TRIGGER, 1",
    "SENTRY_TRIGGER, 999",
    "SENTRY_REMIND, 0",
    "SENTRY_REMIND, 0d",
    "SENTRY_RESOLVE, yes",
    "SENTRY_BLOCK, 1m",
    "SENTRY_BLOCK, 0030m",
    "SENTRY_BLOCK, 365d",
    "SENTRY_BLOCK_UDP, yes",
    "SENTRY_IGNORE, '192.0.2.0/24, 198.51.100.7 2001:db8::/32,,::1'",
    "SENTRY_IGNORE, 0.0.0.0/0",
    "SENTRY_IGNORE, 'web-1.example.org, 192.0.2.1 b.example.'",
    "SENTRY_TCP, ''",
    "SENTRY_TCP, 1-65535",
    "SENTRY_UDP, '22, 80 443  8080-8090'",
    "SENTRY_EXCLUDE_TCP, ''",
    "SENTRY_EXCLUDE_UDP, '1-3,2'"
  })
  void acceptsValidValues(ConfigKey key, String value) {
    key.validate(value);
  }
}
