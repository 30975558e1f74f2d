package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The keys, their names and the values they take. */
class ConfigKeyTest {

  private static final String ONE_OF = "must be one of ";

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
    "sentry, SENTRY",
    "SENTRY_TRIGER, SENTRY_TRIGGER",
    "SENTRY_IGNORED, SENTRY_IGNORE",
    "SENTRY_EXCLUDETCP, SENTRY_EXCLUDE_TCP",
    "SENTRY_BLOCKUDP, SENTRY_BLOCK_UDP"
  })
  void theNearestNameTakesTheFewestEdits(String name, ConfigKey nearest) {
    assertEquals(nearest, ConfigKey.nearest(name));
    assertEquals(Optional.empty(), ConfigKey.of(name));
  }

  @ParameterizedTest
  @EnumSource
  void aKeyIsFoundByItsExactName(ConfigKey key) {
    assertEquals(Optional.of(key), ConfigKey.of(key.name()));
    assertEquals(key, ConfigKey.nearest(key.name()));
  }

  @ParameterizedTest
  @EnumSource
  void everyDefaultIsAGoodValue(ConfigKey key) {
    assertEquals(Optional.empty(), key.problem(key.defaultValue()));
  }

  @ParameterizedTest
  @EnumSource
  void everyKeyIsExplainedWithItsDefaultAndItsValues(ConfigKey key) throws IOException {
    String line = key + "=\"" + key.defaultValue() + "\"";
    String shipped = Files.readString(Path.of("conf/conf.lsm"));
    String manual = Files.readString(Path.of("src/main/man/conf.lsm.adoc"));

    assertTrue(shipped.contains("\n" + line + " "), line);
    assertTrue(manual.contains("\n*" + line + "*::\n"), line);
    int start = manual.indexOf("*" + line + "*::");
    String text = manual.substring(start, manual.indexOf("\n\n", start));
    String problem = key.problem("\0").orElse("");
    if (problem.startsWith(ONE_OF)) {
      for (String value : problem.substring(ONE_OF.length()).split(", ", -1)) {
        assertTrue(text.contains("*" + value + "*"), value);
      }
    }
  }

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
    "SYSLOG, rfc5424",
    "SYSLOG, no",
    "RUN_CMD, ''",
    "RUN_CMD, 'curl -d @- \"$LSM_SUBJECT\" | logger; exit'",
    "METRICS_FILE, ''",
    "METRICS_FILE, /var/lib/node_exporter/lsm.prom",
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
    "SENTRY_TCP, ''",
    "SENTRY_TCP, 1-65535",
    "SENTRY_UDP, '22, 80 443\t8080-8090'",
    "SENTRY_EXCLUDE_TCP, ''",
    "SENTRY_EXCLUDE_UDP, '1-3,2'"
  })
  void aGoodValueHasNoProblem(ConfigKey key, String value) {
    assertEquals(Optional.empty(), key.problem(value));
  }
}
