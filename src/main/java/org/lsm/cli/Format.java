package org.lsm.cli;

import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lsm.alert.History;
import org.lsm.alert.Json;
import org.lsm.alert.Listing;
import org.lsm.alert.Report;
import org.lsm.alert.ScanReport;
import org.lsm.alert.Status;
import picocli.CommandLine.Option;

/** The option {@code --format}. */
final class Format {

  private enum Kind {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "How to print the result: ${COMPLETION-CANDIDATES}.")
  private Kind kind;

  String of(Report report) {
    return of(report, Optional.empty());
  }

  String of(Report report, Optional<ScanReport> scans) {
    return kind == Kind.JSON
        ? Json.of(report, scans)
        : report.text() + scans.map(it -> "\n" + it.page().text()).orElse("");
  }

  String of(ScanReport report) {
    return kind == Kind.JSON ? Json.of(report) : report.table();
  }

  String of(Status status) {
    return kind == Kind.JSON ? Json.of(status) : status.text();
  }

  String of(List<History.Event> events, ZoneId zone) {
    return kind == Kind.JSON ? Json.of(events) : History.table(events, zone);
  }

  String of(Listing listing) {
    return kind == Kind.JSON ? Json.of(listing) : listing.text();
  }
}
