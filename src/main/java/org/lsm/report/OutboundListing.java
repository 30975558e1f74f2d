package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.lsm.model.Endpoint;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.report.JsonViews.HostView;
import org.lsm.report.JsonViews.OutboundsView;

/** The outbound connections that are known on a host. */
public record OutboundListing(HostInfo hostInfo, List<Row> rows) {
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

  /** A table, escaped. */
  public String text(ZoneId zone) {
    List<List<String>> table = new ArrayList<>();
    table.add(List.of("CONNECTION", "USER", "UNIT", "PACKETS", "FIRST", "LAST", "ADDRESS"));
    for (Row it : rows) {
      String unit = it.owner.program().isEmpty() ? "-" : escape(it.owner.program());
      table.add(
          List.of(
              escape(it.endpoint.toString()),
              escape(it.owner.user()),
              unit,
              it.packets == 0 ? "-" : String.valueOf(it.packets),
              Times.format(it.first, zone),
              Times.format(it.last, zone),
              escape(it.address)));
    }
    return SocketListing.align(table);
  }
}
