package org.lsm.cli;

import static org.lsm.cli.Arguments.parameter;
import static org.lsm.cli.Arguments.parameters;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.EnumName;
import org.lsm.model.ScanSummary;
import org.lsm.model.ScanningHost;
import org.lsm.monitor.Components;
import org.lsm.monitor.PortScanCheck;
import org.lsm.report.Json;
import org.lsm.report.PortScanReport;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.SentryState;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Model.CommandSpec;

final class SentryCommand extends BaseCommand {
  private enum Action {
    BLOCK,
    UNBLOCK;

    @Override
    public String toString() {
      return EnumName.of(this);
    }
  }

  private Action action;
  private List<String> addresses = new ArrayList<>();
  private final OutputFormat format = new OutputFormat();

  SentryCommand() {
    super("Print the hosts that probe unused ports; block or unblock a host.", "sentry");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addPositional(
        parameter("ACTION", Action.class, it -> action = it)
            .index("0")
            .arity("0..1")
            .description("What to do with the addresses: ${COMPLETION-CANDIDATES}.")
            .build());
    spec.addPositional(
        parameters("ADDRESS", String.class, it -> addresses = it)
            .index("1..*")
            .arity("0..*")
            .description("IP addresses, or IPv6 networks of 64 bits.")
            .build());
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    if (components.config().sentry() == SentryMode.OFF) {
      String advice = "; set it to report or block, and the next compare sets the rules";
      throw new IOException("SENTRY=\"off\" in " + context.configFile() + advice);
    }
    List<CidrBlock> hosts = addresses.stream().map(this::address).toList();
    if (action == null) {
      show(components);
    } else if (hosts.isEmpty()) {
      throw usageError(action + " needs at least one ADDRESS");
    } else {
      change(components, hosts);
    }
    return ExitCode.OK;
  }

  private static NftTableState read(Components components) throws IOException {
    String none = "there are no rules yet; run 'lsm compare' to set them";
    return components.nftTable().read(components::now).orElseThrow(() -> new IOException(none));
  }

  private void show(Components components) throws IOException {
    ScanSummary summary = read(components).summary();
    var hosts = summary.hosts().stream().sorted(ScanningHost.WORST_FIRST).toList();
    List<String> notes = PortScanCheck.notes(summary);
    var report =
        new PortScanReport(components.hostInfo(), hosts, notes, Optional.empty(), components::zone);
    print(format.isJson() ? Json.of(report) : report.table());
  }

  private CidrBlock address(String text) {
    try {
      CidrBlock host = CidrBlock.parse(text);
      if (host.isSingleAddress() || (host.isIpv6() && host.prefix() == 64)) {
        return host;
      }
    } catch (IllegalArgumentException e) {
      // reported below
    }
    throw usageError("'" + text + "' is not an IP address");
  }

  @SuppressWarnings("try") // the lock is only held
  private void change(Components components, List<CidrBlock> hosts) throws IOException {
    if (action == Action.BLOCK && components.config().sentry() != SentryMode.BLOCK) {
      throw new IOException("SENTRY=\"report\" does not block hosts; set it to block first");
    }
    List<CidrBlock> neighbours = components.neighbours();
    try (StateDirectory state = components.openState()) {
      if (action == Action.BLOCK) {
        for (CidrBlock host : hosts) {
          // The administrator, like the rules, cannot block hosts that this one depends on.
          String reason = objection(components, host, neighbours);
          if (!reason.isEmpty()) {
            throw new IOException(host + " is " + reason + ", it is never blocked");
          }
        }
      }
      for (CidrBlock host : hosts) {
        change(components, host.host(neighbours));
      }
    }
  }

  private void change(Components components, CidrBlock host) throws IOException {
    NftTableState before = read(components);
    if (action == Action.BLOCK) {
      if (!before.blocks()) {
        throw new IOException("the rules do not block hosts yet; run 'lsm compare' to set them");
      }
      components.nftTable().block(host.toString(), components.config().sentryBlock());
    } else {
      Optional<ScanningHost> known = known(before, host);
      if (known.isEmpty() || known.get().blockedUntil().isEmpty()) {
        throw new IOException(host + " is not blocked; 'lsm sentry' prints the blocked hosts");
      }
      components.nftTable().delete(known.get());
    }
    NftTableState after = read(components);
    if (action == Action.UNBLOCK && known(after, host).isPresent()) {
      components.nftTable().delete(known(after, host).get()); // a probe has expired meanwhile
      after = read(components);
    }
    record(components, after, blocked(after, host));
    String name = blocked(after, host).or(() -> blocked(before, host)).orElse(host.toString());
    components.history().append(action + "ed", name);
    out().println(name + " is " + action + "ed");
  }

  private static Optional<ScanningHost> known(NftTableState table, CidrBlock host) {
    return table.summary().hosts().stream().filter(it -> host.contains(it.address())).findFirst();
  }

  /** Keeps who is blocked now; an administrator's own block is not worth an alert. */
  private static void record(Components components, NftTableState table, Optional<String> blocked)
      throws IOException {
    Path file = stateFile(components);
    SentryState state = SentryState.read(file).withBlocked(table.blocked());
    if (blocked.isPresent()) {
      state = state.withAlerted(blocked.get(), components.now());
    }
    state.write(file);
  }

  private static Path stateFile(Components components) {
    return components.config().stateDirectory().resolve(StateDirectory.SENTRY_STATE);
  }

  /** The host as nft prints it, if it is blocked. */
  private static Optional<String> blocked(NftTableState table, CidrBlock host) {
    return table.blocked().keySet().stream().filter(host::contains).findFirst();
  }

  /** Why a host must not be blocked; empty if it may. */
  private static String objection(Components components, CidrBlock host, List<CidrBlock> neighbours)
      throws IOException {
    InetAddress address = host.network();
    if (address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null) {
      return "an address of this host";
    }
    if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
      return "not the address of a host";
    }
    if (!host.isSingleAddress()
        && neighbours.stream().anyMatch(it -> it.contains(host.toString()))) {
      return "a network of this host";
    }
    SentryState state = SentryState.read(stateFile(components));
    Map<String, List<CidrBlock>> spared = new LinkedHashMap<>();
    spared.put("a gateway or name server of this host", components.gatewaysAndResolvers());
    spared.put("the address of somebody who is logged in by ssh", components.sshClients());
    spared.put("in SENTRY_IGNORE", components.ignored(state));
    for (var it : spared.entrySet()) {
      if (it.getValue().stream().anyMatch(at -> at.host(neighbours).contains(host.toString()))) {
        return it.getKey();
      }
    }
    return "";
  }
}
