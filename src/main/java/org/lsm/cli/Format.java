package org.lsm.cli;

import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import org.lsm.alert.History;
import org.lsm.alert.Json;
import org.lsm.alert.Listing;
import org.lsm.alert.Report;
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
    return kind == Kind.JSON ? Json.of(report) : report.text();
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
