package org.lsm.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lsm.config.Config.Mailer;
import org.lsm.config.Config.SentryMode;
import org.lsm.config.Config.Tls;

/** conf.lsm: valid lines and mistakes. */
class ConfigTest {

  private static final Path FILE = Path.of("conf.lsm");

  @TempDir private Path folder;

  @Test
  void emptyFileHasTheDefaults() throws Exception {
    assertDefaults(parse(""));
    assertDefaults(Config.defaults());
  }

  private static void assertDefaults(Config config) {
    assertEquals(List.of("root"), config.recipients());
    assertEquals("LSM Port Monitor Alert on $HOSTNAME: $SUMMARY", config.subject());
    assertEquals("", config.from());
    assertEquals("", config.smtpHelo());
    assertEquals(Mailer.AUTO, config.mailer());
    assertEquals("localhost", config.smtpHost());
    assertEquals(25, config.smtpPort());
    assertEquals(Tls.AUTO, config.smtpTls());
    assertEquals("", config.smtpUser());
    assertEquals(Optional.empty(), config.smtpPassFile());
    assertEquals(Path.of("/var/lib/lsm"), config.stateDirectory());
    assertEquals(Duration.ofHours(24), config.remind());
    assertTrue(config.syslog());
    assertEquals("", config.runCommand());
    assertEquals(Optional.empty(), config.metricsFile());
    assertEquals(List.of(), config.alertmanagerUrls());
    assertEquals(Map.of(), config.alertmanagerLabels());
    assertEquals(SentryMode.OFF, config.sentry());
    assertEquals(3, config.sentryTrigger());
    assertEquals(Duration.ofHours(24), config.sentryRemind());
    assertFalse(config.sentryResolves());
    assertEquals(Duration.ofHours(24), config.sentryBlock());
    assertFalse(config.sentryBlocksByUdp());
    assertEquals("[]", config.sentryIgnore().toString());
    assertEquals(
        "1-112,114-138,140-1023,1080,1524,2000,5742,6667,12345-12346,20034,27665,31337,32771-32774,"
            + "40421,49724,54320",
        config.sentryTcp().toString());
    assertEquals(
        "1-66,68-136,139-519,521-1023,31335,31337,32770-32774,34555,37444,54321",
        config.sentryUdp().toString());
  }

  @Test
  void readsEveryKey() throws Exception {
    Config config =
        parse(
            """
            USER="ops@example.org, root backup"
            SUB="sockets of $HOSTNAME"
            FROM="lsm@example.org"
            MAILER="sendmail"
            SMTP_HOST="mail.example.org"
            SMTP_PORT="587"
            SMTP_TLS="starttls"
            SMTP_USER="ops"
            SMTP_PASS_FILE="/etc/lsm.pass"
            STATE_DIR="/srv/lsm"
            REMIND="7d"
            SYSLOG="no"
            RUN_CMD="/usr/local/bin/page \\"$LSM_SUBJECT\\""
            METRICS_FILE="/srv/metrics/lsm.prom"
            ALERTMANAGER_URL="https://am1:9093/ http://am2/x/ https://am1:9093"
            ALERTMANAGER_LABELS="role=web, dc=a=b"
            ALERTMANAGER_HEADERS_FILE="/etc/lsm/headers"
            ALERTMANAGER_CA="/etc/lsm/ca.pem"
            SENTRY="block"
            SENTRY_TRIGGER="999"
            SENTRY_REMIND="0"
            SENTRY_RESOLVE="yes"
            SENTRY_BLOCK="007d"
            SENTRY_BLOCK_UDP="yes"
            SENTRY_IGNORE="192.0.2.7/24, 2001:DB8::1 web1.example.org ::ffff:198.51.100.7"
            SENTRY_TCP="1-9, 80 443"
            SENTRY_UDP="53"
            SENTRY_EXCLUDE_TCP="2-3,80,8080"
            SENTRY_EXCLUDE_UDP=""
            """);
    assertEquals(List.of("ops@example.org", "root", "backup"), config.recipients());
    assertEquals("sockets of $HOSTNAME", config.subject());
    assertEquals("lsm@example.org", config.from());
    assertEquals(Mailer.SENDMAIL, config.mailer());
    assertEquals("mail.example.org", config.smtpHost());
    assertEquals(587, config.smtpPort());
    assertEquals(Tls.STARTTLS, config.smtpTls());
    assertEquals("ops", config.smtpUser());
    assertEquals(Optional.of(Path.of("/etc/lsm.pass")), config.smtpPassFile());
    assertEquals(List.of("https://am1:9093", "http://am2/x"), config.alertmanagerUrls());
    assertEquals(Map.of("role", "web", "dc", "a=b"), config.alertmanagerLabels());
    assertEquals(Optional.of(Path.of("/etc/lsm/headers")), config.alertmanagerHeadersFile());
    assertEquals(Optional.of(Path.of("/etc/lsm/ca.pem")), config.alertmanagerCa());
    assertEquals(Path.of("/srv/lsm"), config.stateDirectory());
    assertEquals(Duration.ofDays(7), config.remind());
    assertFalse(config.syslog());
    assertEquals("/usr/local/bin/page \"$LSM_SUBJECT\"", config.runCommand());
    assertEquals(Optional.of(Path.of("/srv/metrics/lsm.prom")), config.metricsFile());
    assertEquals(SentryMode.BLOCK, config.sentry());
    assertEquals(999, config.sentryTrigger());
    assertEquals(Duration.ZERO, config.sentryRemind());
    assertTrue(config.sentryResolves());
    assertEquals(Duration.ofDays(7), config.sentryBlock());
    assertTrue(config.sentryBlocksByUdp());
    assertEquals(
        "[192.0.2.7/24, 2001:db8:0:0:0:0:0:1, 198.51.100.7]", config.sentryIgnore().toString());
    assertEquals(List.of("web1.example.org"), config.sentryIgnoreNames());
    assertEquals("1,4-9,443", config.sentryTcp().toString());
    assertEquals("53", config.sentryUdp().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          SUB="two words"               | two words
          SUB='two words'               | two words
          SUB=word                      | word
          SUB=""                        | ~~
          SUB=''                        | ~~
          SUB=                          | ~~
          ~  SUB="indented"  ~          | indented
          # comments
          SUB="a" # b                   | a
          SUB="a"  #b "c"               | a
          SUB='a' # it's                | a
          SUB=a # b                     | a
          SUB= # b                      | ~~
          SUB="a # b"                   | a # b
          SUB='a # b' # c               | a # b
          SUB="#"                       | #
          # escapes in double quotes, as a shell has them
          SUB="say \\"hi\\""            | say "hi"
          SUB="a\\\\b"                  | a\\b
          SUB="a\\\\"                   | a\\
          SUB="\\$HOME"                 | $HOME
          SUB="\\`id\\`"                | `id`
          SUB="a\\nb"                   | a\\nb
          SUB="\\\\$"                   | \\$
          # none in single quotes and without quotes
          SUB='a\\b'                    | a\\b
          SUB='a\\'                     | a\\
          SUB='say "hi"'                | say "hi"
          SUB="it's"                    | it's
          # nothing is executed or expanded
          SUB="$(touch /tmp/x) `id`"    | $(touch /tmp/x) `id`
          SUB=$(id)                     | $(id)
          SUB=`id`                      | `id`
          SUB='${HOME}'                 | ${HOME}
          SUB=a;id                      | a;id
          SUB="é 😀"                    | é 😀
          """)
  void readsLinesAsAShellWould(String line, String subject) throws Exception {
    assertEquals(subject, parse(line).subject());
    assertEquals(subject, parse("\n" + line + "\nFROM=x\n").subject());
    assertEquals(subject, parse("#x\r\n" + line + "\r\nFROM=x\r\n").subject());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"\n\n", " \t \n", "# SUB=\"x\"", "  # indented", "#", "\r\n# CRLF\r\n \r\n"})
  void skipsBlankLinesAndComments(String text) throws Exception {
    assertEquals("LSM Port Monitor Alert on $HOSTNAME: $SUMMARY", parse(text).subject());
  }

  @ParameterizedTest
  @CsvSource({
    "'root', root",
    "'a,b', a;b",
    "'a b', a;b",
    "' a , b,,c ', a;b;c",
    "'a@x.org,b', a@x.org;b",
    "o'brien@x.org, o'brien@x.org"
  })
  void splitsRecipients(String value, String recipients) throws Exception {
    assertEquals(List.of(recipients.split(";", -1)), parse("USER=\"" + value + "\"").recipients());
  }

  @ParameterizedTest
  @CsvSource({
    "0, PT0S",
    "0m, PT0S",
    "1m, PT1M",
    "30m, PT30M",
    "24h, PT24H",
    "7d, PT168H",
    "007d, PT168H",
    "99999d, PT2399976H"
  })
  void parsesDurations(String value, Duration duration) throws Exception {
    assertEquals(duration, Config.duration(value));
    assertEquals(duration, parse("REMIND=" + value).remind());
  }

  @Test
  void readsVeryLongValues() throws Exception {
    String value = "a\\\"".repeat(50_000);
    assertEquals("a\"".repeat(50_000), parse("SUB=\"" + value + "\" # long").subject());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "USER",
        "USER root",
        "USER =\"root\"",
        "USER= root",
        "=root",
        "1USER=root",
        "SMTP-HOST=x",
        "export USER=root",
        "SUB=\"open",
        "SUB=open\"",
        "SUB='open",
        "SUB=\"a\\\"",
        "SUB=\"a\"b",
        "SUB=\"a\"# no space",
        "SUB=\"a\" b",
        "SUB=\"a\" \"b\"",
        "SUB=a b",
        "SUB='it's'",
        "\ufeffUSER=root"
      })
  void refusesMalformedLines(String line) {
    assertRefused(
        "conf.lsm:3: expected KEY=\"value\" and at most a comment behind it",
        "# first\n\n" + line + "\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          SMTP_TSL="tls"            | unknown key SMTP_TSL; did you mean SMTP_TLS?
          USERS="root"              | unknown key USERS; did you mean USER?
          user="root"               | unknown key user; did you mean USER?
          SUBJECT="x"               | unknown key SUBJECT; did you mean SUB?
          USER=""                   | USER must name at least one recipient
          USER=" , "                | USER must name at least one recipient
          USER="a@b@c"              | USER has 'a@b@c', which is not a mail address or a user name
          USER="ok x@"              | USER has 'x@', which is not a mail address or a user name
          USER="<a@b.org>"          | USER has '<a@b.org>', which is not a mail address or a user name
          USER="a;b"                | USER has 'a;b', which is not a mail address or a user name
          FROM="a b"                | FROM must be one mail address, a user name, or empty
          FROM="a,b"                | FROM must be one mail address, a user name, or empty
          FROM="a@b..c"             | FROM must be one mail address, a user name, or empty
          SMTP_HELO="a b"           | SMTP_HELO must be a host name, an address literal like [192.0.2.1], or empty
          SMTP_HELO="[a"            | SMTP_HELO must be a host name, an address literal like [192.0.2.1], or empty
          FROM="a@"                 | FROM must be one mail address, a user name, or empty
          MAILER="mail"             | MAILER must be one of auto, smtp, sendmail, none
          MAILER="SMTP"             | MAILER must be one of auto, smtp, sendmail, none
          MAILER=""                 | MAILER must be one of auto, smtp, sendmail, none
          SMTP_HOST=""              | SMTP_HOST must be a host name or an IP address
          SMTP_HOST="a b"           | SMTP_HOST must be a host name or an IP address
          SMTP_HOST="[::1]"         | SMTP_HOST must be a host name or an IP address
          SMTP_PORT="0"             | SMTP_PORT must be a port from 1 to 65535
          SMTP_PORT="65536"         | SMTP_PORT must be a port from 1 to 65535
          SMTP_PORT="-1"            | SMTP_PORT must be a port from 1 to 65535
          SMTP_PORT="smtp"          | SMTP_PORT must be a port from 1 to 65535
          SMTP_PORT=""              | SMTP_PORT must be a port from 1 to 65535
          SMTP_TLS="yes"            | SMTP_TLS must be one of auto, starttls, tls, none
          SMTP_PASS_FILE="pass"     | SMTP_PASS_FILE must be an absolute path, or empty
          STATE_DIR="lsm"           | STATE_DIR must be an absolute path
          STATE_DIR=""              | STATE_DIR must be an absolute path
          EPHEMERAL="tcp"           | EPHEMERAL must be one of none, udp, all
          EPHEMERAL=""              | EPHEMERAL must be one of none, udp, all
          NETNS="web"               | NETNS must be one of host, all
          REMIND=""                 | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="24"               | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="h"                | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="1w"               | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="24H"              | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="-1h"              | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="1.5h"             | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="1h30m"            | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="24 h"             | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          REMIND="123456m"          | REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          SYSLOG=""                 | SYSLOG must be one of yes, no
          SYSLOG="rfc5424"          | SYSLOG must be one of yes, no
          SYSLOG="true"             | SYSLOG must be one of yes, no
          METRICS_FILE="lsm.prom"   | METRICS_FILE must be an absolute path, or empty
          ALERTMANAGER_URL="am1:9093" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="ftp://am1" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="https://" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="https://ops:s3cret@am1" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="http://am1/?x=y" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="http://am1/#x" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="http://am1/a%20b" | ALERTMANAGER_URL must be URLs like https://alerts.example.org:9093, with neither a user nor a query; a password belongs in ALERTMANAGER_HEADERS_FILE
          ALERTMANAGER_URL="http://a http://b:0" | ALERTMANAGER_URL must be a port from 1 to 65535
          ALERTMANAGER_URL="http://b:99999/" | ALERTMANAGER_URL must be a port from 1 to 65535
          ALERTMANAGER_LABELS="role-x=web" | ALERTMANAGER_LABELS has 'role-x=web', which is not like role=web, with a name of letters, digits and underscores
          ALERTMANAGER_LABELS="9a=b" | ALERTMANAGER_LABELS has '9a=b', which is not like role=web, with a name of letters, digits and underscores
          ALERTMANAGER_LABELS="__a=b" | ALERTMANAGER_LABELS has '__a=b', which is not like role=web, with a name of letters, digits and underscores
          ALERTMANAGER_LABELS="role" | ALERTMANAGER_LABELS has 'role', which is not like role=web, with a name of letters, digits and underscores
          ALERTMANAGER_LABELS="role=" | ALERTMANAGER_LABELS has 'role=', which is not like role=web, with a name of letters, digits and underscores
          ALERTMANAGER_LABELS="=web" | ALERTMANAGER_LABELS has '=web', which is not like role=web, with a name of letters, digits and underscores
          ALERTMANAGER_LABELS="a=b instance=c" | ALERTMANAGER_LABELS has the label 'instance', which lsm sets itself
          ALERTMANAGER_LABELS="a=b,a=c" | ALERTMANAGER_LABELS has the label 'a' twice
          ALERTMANAGER_HEADERS_FILE="h" | ALERTMANAGER_HEADERS_FILE must be an absolute path, or empty
          ALERTMANAGER_CA="ca.pem"  | ALERTMANAGER_CA must be an absolute path, or empty
          SENTRY="yes"              | SENTRY must be one of off, report, block
          SENTRY="Block"            | SENTRY must be one of off, report, block
          SENTRY=""                 | SENTRY must be one of off, report, block
          SENTRY_TRIGGER="0"        | SENTRY_TRIGGER must be a number of ports from 1 to 999
          SENTRY_TRIGGER="1000"     | SENTRY_TRIGGER must be a number of ports from 1 to 999
          SENTRY_TRIGGER="03"       | SENTRY_TRIGGER must be a number of ports from 1 to 999
          SENTRY_TRIGGER="-3"       | SENTRY_TRIGGER must be a number of ports from 1 to 999
          SENTRY_TRIGGER=""         | SENTRY_TRIGGER must be a number of ports from 1 to 999
          SENTRY_REMIND="24"        | SENTRY_REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          SENTRY_REMIND=""          | SENTRY_REMIND must be a time like 30m, 24h or 7d, or 0 for every run
          SENTRY_RESOLVE="true"     | SENTRY_RESOLVE must be one of yes, no
          SENTRY_BLOCK="0"          | SENTRY_BLOCK must be a time like 30m, 24h or 7d
          SENTRY_BLOCK="0d"         | SENTRY_BLOCK must be a time like 30m, 24h or 7d
          SENTRY_BLOCK="30s"        | SENTRY_BLOCK must be a time like 30m, 24h or 7d
          SENTRY_BLOCK="10000m"     | SENTRY_BLOCK must be a time like 30m, 24h or 7d
          SENTRY_BLOCK=""           | SENTRY_BLOCK must be a time like 30m, 24h or 7d
          SENTRY_BLOCK_UDP="maybe"  | SENTRY_BLOCK_UDP must be one of yes, no
          SENTRY_IGNORE="web1"      | SENTRY_IGNORE must be IP addresses, blocks like 192.0.2.0/24 and full host names: 'web1' is not an IP address
          SENTRY_IGNORE="::1,10.1"  | SENTRY_IGNORE must be IP addresses, blocks like 192.0.2.0/24 and full host names: '10.1' is not an IP address
          SENTRY_IGNORE="10.0.0.0/33" | SENTRY_IGNORE must be IP addresses, blocks like 192.0.2.0/24 and full host names: '10.0.0.0/33' is not an address block (CIDR)
          SENTRY_IGNORE="*"         | SENTRY_IGNORE must be IP addresses, blocks like 192.0.2.0/24 and full host names: '*' is not an IP address
          SENTRY_IGNORE="[::1]"     | SENTRY_IGNORE must be IP addresses, blocks like 192.0.2.0/24 and full host names: '[::1]' is not an IP address
          SENTRY_IGNORE="fe80::1%eth0" | SENTRY_IGNORE must be IP addresses, blocks like 192.0.2.0/24 and full host names: 'fe80::1%eth0' is not an IP address
          SENTRY_TCP="22,0"         | SENTRY_TCP has '0', which is not a port or range of ports from 1 to 65535
          SENTRY_TCP="1-65536"      | SENTRY_TCP has '1-65536', which is not a port or range of ports from 1 to 65535
          SENTRY_UDP="all"          | SENTRY_UDP has 'all', which is not a port or range of ports from 1 to 65535
          SENTRY_EXCLUDE_TCP="9-1"  | SENTRY_EXCLUDE_TCP has '9-1', which is not a port or range of ports from 1 to 65535
          SENTRY_EXCLUDE_UDP="dns"  | SENTRY_EXCLUDE_UDP has 'dns', which is not a port or range of ports from 1 to 65535
          SMTP_USER="ops"           | SMTP_USER needs SMTP_PASS_FILE, the path of a file that holds the password
          """)
  void namesFileAndLineOfAMistake(String line, String problem) {
    assertRefused("conf.lsm:1: " + problem, line);
    assertRefused("conf.lsm:3: " + problem, "# first\n\n" + line + "\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\t", "\0", "\u001b[2J", "\u0085", "\u007f", "a\rb"})
  void refusesControlCharacters(String value) {
    assertRefused("conf.lsm:1: SUB must not have control characters", "SUB=\"" + value + "\"");
  }

  @Test
  void reportsTheFirstMistake() {
    assertRefused("conf.lsm:1: SMTP_PORT must be a port from 1 to 65535", "SMTP_PORT=x\nUSER=\n");
  }

  @Test
  void refusesRepeatedKeys() {
    assertRefused(
        "conf.lsm:3: USER is set again; remove this line or line 1", "USER=a\nSUB=x\nUSER=a\n");
  }

  @Test
  void loginNeedsAPasswordFile() throws Exception {
    assertEquals("ops", parse("SMTP_PASS_FILE=/p\nSMTP_USER=ops").smtpUser());
    assertEquals("ops", parse("SMTP_USER=ops\nSMTP_PASS_FILE=/p").smtpUser());
    assertRefused(
        "conf.lsm:2: SMTP_USER needs SMTP_PASS_FILE, the path of a file that holds the password",
        "SMTP_PASS_FILE=\"\"\nSMTP_USER=ops\n");
  }

  @Test
  void refusesFilesThatAreNotUtf8() throws IOException {
    Path file = folder.resolve("conf.lsm");
    Files.write(file, "SUB=\"\u00e9\"\n".getBytes(StandardCharsets.ISO_8859_1));
    ConfigException e = assertThrows(ConfigException.class, () -> Config.read(file));
    assertEquals(file + ": is not UTF-8 text; save it as UTF-8", e.getMessage());
  }

  @Test
  void refusesAMissingFile() {
    assertThrows(NoSuchFileException.class, () -> Config.read(folder.resolve("conf.lsm")));
  }

  @Test
  void readsTheShippedFile() throws Exception {
    assertDefaults(Config.read(Path.of("conf/conf.lsm")));
  }

  private static Config parse(String text) throws ConfigException {
    return Config.parse(FILE, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void assertRefused(String message, String text) {
    ConfigException e = assertThrows(ConfigException.class, () -> parse(text));
    assertEquals(message, e.getMessage());
  }

  // ---- users of this host

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "SMTP_HOST=mail.example.org|1: USER has 'root'",
        "SMTP_HOST=192.0.2.1;USER=a@example.org,joe|2: USER has 'joe'",
        "USER=a@example.org;SMTP_HOST=2001:db8::1;FROM=lsm|3: FROM has 'lsm'",
        "USER=a@example.org;MAILER=smtp;FROM=lsm;SMTP_HOST=mx|3: FROM has 'lsm'",
      })
  void anotherHostNeedsAddresses(String lines, String problem) {
    Exception e = assertThrows(ConfigException.class, () -> parse(lines.replace(';', '\n') + "\n"));
    String name = problem.replaceAll(".*'(.*)'", "$1");
    assertEquals(
        "conf.lsm:"
            + problem
            + ", a user of this host, but SMTP_HOST is another; write an address such as "
            + name
            + "@example.org",
        e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SMTP_HOST=mx.example.org;USER=a@example.org",
        "SMTP_HOST=mx.example.org;MAILER=sendmail",
        "SMTP_HOST=mx.example.org;MAILER=none",
        "SMTP_HOST=127.0.0.53",
        "SMTP_HOST=::1;FROM=lsm",
        "SMTP_HOST=LOCALHOST",
        "USER=jörg@bücher.example",
      })
  void thisHostKnowsItsUsers(String lines) throws Exception {
    parse(lines.replace(';', '\n') + "\n");
  }
}
