package org.lsm.report;

import static java.util.stream.Collectors.joining;
import static org.lsm.report.EscapedText.escape;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.Plural;
import org.lsm.report.JsonViews.HostView;
import org.lsm.report.JsonViews.OutboundsView;

/** The outbound connections that are known on a host. */
public record OutboundListing(HostInfo hostInfo, List<Row> rows) {
  private static final String INDENT = "    ";
  private static final int DATE = 10; // characters

  /**
   * Connections of one identity.
   *
   * @param owner the user, and the unit in place of a program
   * @param packets as the kernel has counted them, within a day; 0 if it has counted none
   * @param address an example
   * @param status {@code learned} or {@code reported}
   */
  public record Row(
      Endpoint endpoint,
      Owner owner,
      Instant first,
      Instant last,
      long packets,
      String address,
      String status) {}

  /** A JSON object. */
  public String json() {
    return Json.print(Json.merge(HostView.of(hostInfo), OutboundsView.of(this)));
  }

  /**
   * Two lines for each identity, escaped: who connects where, then how often, when and an address.
   */
  public String text(ZoneId zone) {
    List<List<String>> names = new ArrayList<>(List.of(List.of("CONNECTION", "USER", "UNIT")));
    for (Row it : rows) {
      String unit = it.owner.program().isEmpty() ? "-" : escape(it.owner.program());
      names.add(List.of(escape(it.endpoint.toString()), escape(it.owner.user()), unit));
    }
    List<String> lines = new ArrayList<>(SocketListing.align(names).lines().toList());
    for (int i = rows.size(); i > 0; i--) {
      lines.add(i + 1, INDENT + details(rows.get(i - 1), zone));
    }
    return lines.stream().map(it -> it + "\n").collect(joining());
  }

  private static String details(Row row, ZoneId zone) {
    String first = Times.format(row.first, zone).substring(0, DATE);
    String last = Times.format(row.last, zone).substring(0, DATE);
    return String.join(
        ", ",
        row.status + " " + (first.equals(last) ? first : first + " to " + last),
        row.packets == 0 ? "no packet within a day" : Plural.count(row.packets, "packet"),
        escape(row.address));
  }
}
