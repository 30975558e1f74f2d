package org.lsm.alert;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.EnumName;
import org.lsm.model.HostInfo;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.model.Severity;
import org.lsm.model.SocketIdentity;
import org.lsm.report.AlertLabels;
import org.lsm.report.DiffReport;
import org.lsm.report.EscapedText;
import org.lsm.report.PortScanReport;

/**
 * What a run finds active, as an alert of Alertmanager: {@code labels} identify it there, and
 * {@code annotations} describe it. All is escaped.
 *
 * @param subject what it is about: of one subject, only the labels that it has now are true
 * @param annotations made only for an alert that is posted, since that takes a while
 */
public record ActiveAlert(
    String subject,
    SortedMap<String, String> labels,
    Supplier<SortedMap<String, String>> annotations,
    Instant firstSeen,
    Instant lastSeen) {
  static final String ALERTNAME = "alertname";

  /** All differences of a report, those of users in turn, with their severity in a state. */
  public static List<ActiveAlert> of(DiffReport report, AlertState state, SocketIdentity identity) {
    Instant now = report.after().hostInfo().time();
    List<ActiveAlert> alerts = new ArrayList<>();
    for (Difference it : Diff.inTurns(report.diff().differences())) {
      String name = AlertPolicy.name(it, identity);
      Severity severity =
          Optional.ofNullable(state.entries().get(name))
              .map(AlertState.Entry::severity)
              .orElseGet(() -> report.severity(it));
      String type = it.type().name();
      SortedMap<String, String> labels = AlertLabels.of(it);
      String owners = identity.countsByOwner(identity.key(it.after())) ? " " + labels : "";
      labels.put(ALERTNAME, "LsmSocket" + type.charAt(0) + EnumName.of(it.type()).substring(1));
      labels.put("severity", EnumName.of(severity));
      labels.put("socket", EscapedText.escape(name.substring(type.length() + 1)));
      var annotations =
          (Supplier<SortedMap<String, String>>) () -> AlertLabels.annotations(it, report);
      alerts.add(new ActiveAlert(name + owners, labels, annotations, now, now));
    }
    return alerts;
  }

  /** The hosts that scan ports, see {@link ScanningHost#scans}; the worst first. */
  public static List<ActiveAlert> of(ScanSummary scans, int trigger, HostInfo host) {
    List<ActiveAlert> alerts = new ArrayList<>();
    for (ScanningHost it : scans.hosts().stream().sorted(ScanningHost.WORST_FIRST).toList()) {
      if (it.scans(trigger)) {
        PortScanReport report =
            new PortScanReport(
                host, List.of(it), List.of(), Optional.empty(), () -> ZoneOffset.UTC);
        SortedMap<String, String> labels = labels("LsmPortScan", "normal");
        labels.put("address", EscapedText.escape(it.address()));
        alerts.add(
            new ActiveAlert(
                "SCAN " + it.address(),
                labels,
                () -> new TreeMap<>(Map.of("summary", report.events().get(0).message())),
                it.first(),
                it.last()));
      }
    }
    return alerts;
  }

  /** What keeps lsm from comparing; all reasons of a type are one alert. */
  public static ActiveAlert failure(AlertType type, String reason, Instant now) {
    String name = type == AlertType.NO_BASELINE ? "LsmNoBaseline" : "LsmScanFailed";
    String summary = type.summary(EscapedText.escape(reason));
    return new ActiveAlert(name, labels(name, "high"), summary(summary), now, now);
  }

  /** Stands for this one and others of its name, which are too many to be posted. */
  ActiveAlert further(int count) {
    boolean isScan = labels.containsKey("address");
    SortedMap<String, String> all = new TreeMap<>(labels);
    all.keySet().removeAll(List.of("program", "user", "netns"));
    all.put("severity", "high");
    all.put(isScan ? "address" : "socket", "further ones");
    String summary = count + " more; lsm " + (isScan ? "sentry" : "compare") + " lists all of them";
    return new ActiveAlert(labels.get(ALERTNAME), all, summary(summary), firstSeen, lastSeen);
  }

  private static Supplier<SortedMap<String, String>> summary(String text) {
    return () -> new TreeMap<>(Map.of("summary", text));
  }

  private static SortedMap<String, String> labels(String alertname, String severity) {
    return new TreeMap<>(Map.of(ALERTNAME, alertname, "severity", severity));
  }

  /** The same alert with more labels. */
  public ActiveAlert with(Map<String, String> more) {
    SortedMap<String, String> all = new TreeMap<>(labels);
    all.putAll(more);
    return new ActiveAlert(subject, all, annotations, firstSeen, lastSeen);
  }
}
