package org.lsm.alert;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.lsm.model.DifferenceCounts;
import org.lsm.model.EnumName;
import org.lsm.model.HostInfo;
import org.lsm.model.ScanningHost;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;
import org.lsm.report.Json;
import org.lsm.report.LogEvent;
import org.lsm.report.PortScanReport;
import org.lsm.report.ReportDocument;
import org.lsm.report.Times;

/**
 * A message to the administrator, rendered for every channel. All strings are escaped.
 *
 * @param id unique among all alerts of all hosts
 * @param time when its cause was found
 * @param subject one line, with the variables of {@code SUB} expanded
 * @param text the lines of the report as plain text
 * @param html the lines of the report as an HTML document
 * @param targets the addresses of the hosts that scanned ports
 * @param ports for each of them the ports, separated by commas; a long list is cut
 * @param report what {@code compare --format json} prints, with the type and the summary
 */
public record Alert(
    String id,
    AlertType type,
    Instant time,
    String host,
    String subject,
    List<String> text,
    List<String> html,
    List<LogEvent> events,
    DifferenceCounts counts,
    List<String> targets,
    List<String> ports,
    JsonObject report) {
  private static final Pattern VARIABLE =
      Pattern.compile("\\$(HOSTNAME|SUMMARY|NEW|GONE|CHANGED|DATE)\\b");

  /** Refuses an incomplete alert, which a damaged file may hold. */
  public Alert {
    Stream.of(id, type, time, host, subject, counts, report).forEach(Objects::requireNonNull);
    text = List.copyOf(text);
    html = List.copyOf(html);
    events = List.copyOf(events);
    targets = List.copyOf(targets);
    ports = List.copyOf(ports);
    if (text.isEmpty()) {
      throw new IllegalArgumentException("the alert has no text");
    }
  }

  /**
   * An alert of differences, or an all-clear.
   *
   * @param subject may contain $HOSTNAME, $SUMMARY, $NEW, $GONE, $CHANGED and $DATE
   */
  public static Alert of(AlertType type, DiffReport report, String subject) {
    DifferenceCounts counts = DifferenceCounts.of(report.diff());
    Alert alert =
        of(type, report.document(), Json.bounded(report))
            .expand(subject, report.after().hostInfo(), counts, report.zone().get());
    List<LogEvent> events =
        report.diff().isEmpty() && report.ended().isEmpty() ? alert.events : report.events();
    return alert.with(events, counts, List.of());
  }

  /** An alert of port scans. */
  public static Alert of(PortScanReport report, String subject) {
    DifferenceCounts counts = DifferenceCounts.NONE;
    return of(AlertType.PORT_SCAN, report.document(), Json.bounded(report))
        .expand(subject, report.hostInfo(), counts, report.zone().get())
        .with(report.events(), counts, report.named());
  }

  /** An alert of anything else. */
  public static Alert of(
      AlertType type, HostInfo hostInfo, ReportDocument document, String subject, ZoneId zone) {
    return of(type, document, Json.object(hostInfo))
        .expand(subject, hostInfo, DifferenceCounts.NONE, zone);
  }

  /** An alert that has only a document and a JSON report with the host and the time. */
  static Alert of(AlertType type, ReportDocument document, JsonObject report) {
    report.addProperty("event", EnumName.of(type));
    report.addProperty("summary", document.headline());
    String id = UUID.randomUUID().toString();
    Instant time = Instant.parse(report.get("time").getAsString());
    String host = report.get("host").getAsString();
    List<String> text = document.text().lines().toList();
    List<String> html = document.html().lines().toList();
    List<LogEvent> events = List.of(new LogEvent(type.level(), document.headline()));
    List<String> none = List.of();
    return new Alert(
        id, type, time, host, "", text, html, events, DifferenceCounts.NONE, none, none, report);
  }

  private Alert with(List<LogEvent> events, DifferenceCounts counts, List<ScanningHost> scanning) {
    List<String> targets = scanning.stream().map(it -> EscapedText.escape(it.address())).toList();
    List<String> ports =
        scanning.stream().map(it -> EscapedText.escape(String.join(",", it.portRanges()))).toList();
    return new Alert(
        id, type, time, host, subject, text, html, events, counts, targets, ports, report);
  }

  private Alert expand(String sub, HostInfo hostInfo, DifferenceCounts counts, ZoneId zone) {
    Map<String, String> values =
        Map.of(
            "HOSTNAME", EscapedText.escape(hostInfo.host()),
            "SUMMARY", type.summary(outcome()),
            "NEW", Integer.toString(counts.added()),
            "GONE", Integer.toString(counts.gone()),
            "CHANGED", Integer.toString(counts.changed()),
            "DATE", Times.format(hostInfo.time(), zone));
    List<String> names = VARIABLE.matcher(sub).results().map(it -> it.group(1)).toList();
    String line =
        VARIABLE.matcher(sub).replaceAll(it -> Matcher.quoteReplacement(values.get(it.group(1))));
    return withSubject(names.contains("SUMMARY") ? line : line + mark() + type.suffix());
  }

  /** The highest severity of its differences, {@code high}, {@code normal} or {@code low}. */
  public String severity() {
    return report.get("severity") instanceof JsonPrimitive it ? it.getAsString() : "";
  }

  private String mark() {
    return severity().equals("high") ? " [high]" : "";
  }

  Alert withSubject(String line) {
    return new Alert(
        id, type, time, host, line, text, html, events, counts, targets, ports, report);
  }

  /** The subject with another type and outcome, for an alert that stands for this one. */
  String subjectFor(AlertType other, String outcome) {
    String summary = type.summary(outcome());
    return subject.contains(summary)
        ? subject.replace(summary, other.summary(outcome))
        : subject.substring(0, subject.length() - type.suffix().length()) + other.suffix();
  }

  /** The subject without text that another user of the host can choose. */
  public String plainSubject() {
    return subjectFor(type, plainOutcome());
  }

  /** The outcome in one line without text that another user of the host can choose. */
  public String plainSummary() {
    return host + ": " + plainOutcome();
  }

  private String plainOutcome() {
    return counts.equals(DifferenceCounts.NONE) ? outcome() : counts + mark();
  }

  private String outcome() {
    String prefix = host + ": ";
    return summary().startsWith(prefix) ? summary().substring(prefix.length()) : summary();
  }

  /** The outcome in one line. */
  public String summary() {
    return text.get(0);
  }
}
