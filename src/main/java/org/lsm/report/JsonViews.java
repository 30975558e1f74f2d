package org.lsm.report;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.annotations.SerializedName;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.lsm.model.Endpoint;
import org.lsm.model.Flag;
import org.lsm.model.HostInfo;
import org.lsm.model.Owner;
import org.lsm.model.ProbeType;
import org.lsm.model.ScanningHost;
import org.lsm.model.Severity;

/**
 * The objects that lsm prints as JSON; Gson maps each to fields of the same names, without nulls.
 */
final class JsonViews {
  private JsonViews() {}

  record HostView(String host, String kernel, Instant time, String lsm) {
    static HostView of(HostInfo info) {
      return new HostView(info.host(), info.kernel(), info.time(), info.version());
    }
  }

  record CountsView(
      Instant baselineTime,
      @SerializedName("new") int added,
      int gone,
      int changed,
      Severity severity) {}

  record DiffView(
      List<JsonObject> differences,
      List<String> still,
      List<JsonPrimitive> ended, // escaped already
      List<String> notes) {}

  record HostsView(int hostCount, List<JsonObject> differences) {}

  record HostDifferenceView(Set<Owner> ownersBefore, Set<Owner> owners, List<String> hosts) {}

  record ListingView(List<ScanView> scans, List<JsonObject> sockets, List<String> notes) {}

  record ConnectionsView(List<JsonObject> connections, List<String> notes) {}

  record ConnectionView(
      String remoteAddress,
      int remotePort,
      String remoteHost,
      String direction,
      String service,
      String state) {}

  record OutboundsView(List<OutboundView> connections) {
    static OutboundsView of(OutboundListing listing) {
      return new OutboundsView(listing.rows().stream().map(OutboundView::of).toList());
    }
  }

  record OutboundView(
      String connection,
      String protocol,
      String network,
      int port,
      String user,
      String unit,
      Instant firstSeen,
      Instant lastSeen,
      long packets,
      String address,
      String status) {
    static OutboundView of(OutboundListing.Row it) {
      Endpoint at = it.endpoint();
      return new OutboundView(
          at.toString(),
          at.protocol().label(),
          at.address(),
          at.port(),
          it.owner().user(),
          it.owner().program(),
          it.first(),
          it.last(),
          it.packets(),
          it.address(),
          it.status());
    }
  }

  record StatusView(String status, List<ItemView> items) {}

  record ItemView(String name, String text, boolean fault) {}

  record EndpointView(
      String kind, String socket, String netns, String protocol, String address, int port) {
    static EndpointView of(String kind, Endpoint it) {
      String protocol = it.protocol().label();
      return new EndpointView(kind, it.toString(), it.netns(), protocol, it.address(), it.port());
    }
  }

  record DifferenceView(
      Severity severity,
      String service,
      Set<Owner> ownersBefore,
      Set<Owner> owners,
      Set<Flag> flags,
      String requiredBy,
      String origin,
      List<String> peers,
      List<ClientView> clients,
      Instant absentAt,
      List<Integer> pids,
      List<JsonObject> processes,
      JsonObject facts) {}

  record ClientView(String address, long packets, Instant firstSeen, Instant lastSeen) {}

  record OwnersView(
      Set<Owner> owners,
      List<JsonObject> processes,
      Boolean optional,
      String ignoredBy,
      String allowedBy) {}

  record ProcessView(int pid, Instant startTime) {}

  record ProcessDetailsView(
      String commandLine,
      String workingDirectory,
      String unit,
      List<JsonObject> parents,
      Set<Flag> flags,
      JsonObject facts) {}

  record ScanView(
      String address,
      String name,
      List<String> ports,
      Set<ProbeType> kinds,
      long packets,
      Instant firstSeen,
      Instant lastSeen,
      Instant blockedUntil) {
    static ScanView of(ScanningHost host) {
      return new ScanView(
          host.address(),
          host.name(),
          host.portRanges(),
          host.probeTypes(),
          host.packets(),
          host.first(),
          host.last(),
          host.blockedUntil().orElse(null));
    }
  }
}
