package org.lsm.alert;

import com.google.gson.JsonObject;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lsm.model.DifferenceType;
import org.lsm.model.HostInfo;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.PortScanReport;
import org.lsm.report.ReportDocument;

/**
 * What is told to the administrator, whichever way it goes. All of it is escaped.
 *
 * @param id names it among all alerts of all hosts
 * @param type why
 * @param time when it was found
 * @param host the host it is about
 * @param subject one line
 * @param text the whole story, line by line
 * @param html the same as an HTML document, line by line
 * @param events the same for a log, an event a line
 * @param report the same for programs: what {@code compare --format json} prints, with {@code
 *     event} and {@code summary}
 */
public record Alert(
    String id,
    AlertType type,
    Instant time,
    String host,
    String subject,
    List<String> text,
    List<String> html,
    List<Event> events,
    JsonObject report) {

  /**
   * One line of a log.
   *
   * @param level how bad it is, in the words of syslog(3)
   * @param message the event in words
   * @param data the same taken apart
   */
  public record Event(String level, String message, SortedMap<String, String> data) {

    public Event {
      Objects.requireNonNull(level);
      Objects.requireNonNull(message);
      data = new TreeMap<>(Map.copyOf(data)); // which refuses null
    }
  }

  private static final Pattern VARIABLE = Pattern.compile("\\$(HOSTNAME|NEW|GONE|CHANGED|DATE)\\b");

  /** An alert that was read back from a file has all of it, or there is none. */
  public Alert {
    Objects.requireNonNull(id);
    Objects.requireNonNull(type);
    Objects.requireNonNull(time);
    Objects.requireNonNull(host);
    Objects.requireNonNull(subject);
    Objects.requireNonNull(report);
    text = List.copyOf(text);
    if (text.isEmpty()) {
      throw new IllegalArgumentException("an alert without a text");
    }
    html = List.copyOf(html);
    events = List.copyOf(events);
  }

  /**
   * An alert of differences, or of none.
   *
   * @param subject a line in which $HOSTNAME, $NEW, $GONE, $CHANGED and $DATE are expanded
   */
  public static Alert of(AlertType type, DiffReport report, String subject) {
    HostInfo hostInfo = report.after().hostInfo();
    JsonObject json = Json.bounded(report);
    Alert alert = of(type, hostInfo, report.page(), subject, report.zone().get(), json);
    return report.diff().isEmpty() ? alert : alert.with(report.events());
  }

  /** An alert of hosts that probe unused ports. */
  public static Alert of(PortScanReport report, String subject) {
    JsonObject json = Json.object(report, report.named());
    ReportDocument page = report.page();
    ZoneId zone = report.zone().get();
    return of(AlertType.PORT_SCAN, report.hostInfo(), page, subject, zone, json)
        .with(report.events());
  }

  private Alert with(List<Event> other) {
    return new Alert(id, type, time, host, subject, text, html, other, report);
  }

  /** An alert of something else, in words. */
  public static Alert of(
      AlertType type, HostInfo hostInfo, ReportDocument page, String subject, ZoneId zone) {
    return of(type, hostInfo, page, subject, zone, Json.object(hostInfo));
  }

  private static Alert of(
      AlertType type,
      HostInfo hostInfo,
      ReportDocument page,
      String subject,
      ZoneId zone,
      JsonObject report) {
    report.addProperty("event", Json.name(type));
    report.addProperty("summary", page.headline());
    return new Alert(
        UUID.randomUUID().toString(),
        type,
        hostInfo.time(),
        DiffReport.escape(hostInfo.host()),
        expand(subject, hostInfo, zone, report) + type.suffix(),
        page.text().lines().toList(),
        page.html().lines().toList(),
        List.of(new Event(type.level(), page.headline(), new TreeMap<>())),
        report);
  }

  private static String expand(String subject, HostInfo hostInfo, ZoneId zone, JsonObject report) {
    Map<String, String> variables =
        Map.of(
            "HOSTNAME", DiffReport.escape(hostInfo.host()),
            "NEW", count(report, DifferenceType.NEW),
            "GONE", count(report, DifferenceType.GONE),
            "CHANGED", count(report, DifferenceType.CHANGED),
            "DATE", DiffReport.time(hostInfo.time(), zone));
    return VARIABLE
        .matcher(subject)
        .replaceAll(name -> Matcher.quoteReplacement(variables.get(name.group(1))));
  }

  /** The number of differences of a kind, which an alert of something else has none of. */
  private static String count(JsonObject report, DifferenceType kind) {
    return report.has(Json.name(kind)) ? report.get(Json.name(kind)).getAsString() : "0";
  }

  /** The number of differences of a kind. */
  public String count(DifferenceType kind) {
    return count(report, kind);
  }

  /** The addresses of the hosts that scan, with blanks between; of none where there are none. */
  public String targets() {
    return scans(scan -> scan.get("address").getAsString());
  }

  /** For each of these hosts its ports, with commas between; a list that is too long is cut. */
  public String targetPorts() {
    return scans(
        scan -> {
          StringJoiner ports = new StringJoiner(",");
          scan.getAsJsonArray("ports").forEach(port -> ports.add(port.getAsString()));
          return DiffReport.escape(ports.toString());
        });
  }

  private String scans(Function<JsonObject, String> field) {
    StringJoiner values = new StringJoiner(" ");
    if (report.has("scans")) {
      report.getAsJsonArray("scans").forEach(it -> values.add(field.apply(it.getAsJsonObject())));
    }
    return values.toString();
  }

  /** The outcome in one line. */
  public String summary() {
    return text.get(0);
  }
}
