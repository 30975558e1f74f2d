package org.lsm.cli;

import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.lsm.alert.History;
import org.lsm.report.DiffReport;
import org.lsm.report.Json;
import org.lsm.report.PortScanReport;
import org.lsm.report.SocketListing;
import org.lsm.report.StatusReport;
import picocli.CommandLine.Option;

/** The option {@code --format}. */
final class OutputFormat {

  private enum Format {
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
      description = "The format of the output: ${COMPLETION-CANDIDATES}.")
  private Format format;

  String of(DiffReport report) {
    return of(report, Optional.empty());
  }

  String of(DiffReport report, Optional<PortScanReport> scans) {
    return format == Format.JSON
        ? Json.of(report, scans)
        : report.document().text() + scans.map(it -> "\n" + it.document().text()).orElse("");
  }

  String of(PortScanReport report) {
    return format == Format.JSON ? Json.of(report) : report.table();
  }

  String of(StatusReport status) {
    return format == Format.JSON ? Json.of(status) : status.text();
  }

  String of(List<History.Event> events, ZoneId zone) {
    return format == Format.JSON
        ? Json.print(Map.of("events", events))
        : History.table(events, zone);
  }

  String of(SocketListing listing) {
    return format == Format.JSON ? Json.of(listing) : listing.text();
  }
}
