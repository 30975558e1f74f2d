package org.lsm.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lsm.config.CidrBlock;
import org.lsm.config.Config;
import org.lsm.config.Config.SentryMode;
import org.lsm.model.ScanningHost;
import org.lsm.monitor.PortScanCheck;
import org.lsm.report.PortScanReport;
import org.lsm.sentry.NftTable;
import org.lsm.sentry.NftTableState;
import org.lsm.sentry.SentryState;
import org.lsm.storage.StateDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code lsm sentry}: who probes unused ports, and who is blocked for it. */
@Command(
    name = "sentry",
    description = "Print who probes unused ports; block a host, or let it in again.")
public final class SentryCommand extends BaseCommand {

  private enum Action {
    BLOCK,
    UNBLOCK;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "ACTION",
      description = "What to do with the addresses: ${COMPLETION-CANDIDATES}.")
  private Action action;

  @Parameters(index = "1..*", arity = "0..*", paramLabel = "ADDRESS", description = "IP addresses.")
  private List<String> addresses = new ArrayList<>();

  @Mixin private OutputFormat format;

  public SentryCommand(CommandContext context) {
    super(context);
  }

  @Override
  @SuppressWarnings("try") // the lock is only held
  public Integer call() throws Exception {
    Config config = context.config();
    if (config.sentry() == SentryMode.OFF) {
      throw new IOException(
          "SENTRY=\"off\" in "
              + context.configFile()
              + "; set it to report or block, and the next compare sets the rules");
    }
    if (action == null) {
      show(config, read());
    } else {
      List<CidrBlock> hosts = addresses.stream().map(this::address).toList();
      if (hosts.isEmpty()) {
        throw new ParameterException(commandLine(), action + " needs at least one ADDRESS");
      }
      try (StateDirectory state = context.openState(config)) {
        for (CidrBlock host : hosts) {
          requireBlockable(config, host);
        }
        for (CidrBlock host : hosts) {
          change(config, host);
        }
      }
    }
    return ExitCode.OK;
  }

  private NftTableState read() throws IOException {
    return context
        .sentry()
        .read(now())
        .orElseThrow(
            () -> new IOException("there are no rules yet; run 'lsm compare' to set them"));
  }

  private void show(Config config, NftTableState content) throws IOException {
    List<ScanningHost> hosts =
        content.probes().hosts().stream().sorted(ScanningHost.WORST_FIRST).toList();
    PortScanReport report =
        new PortScanReport(
            context.hostInfo(config), hosts, PortScanCheck.notes(content.probes()), context::zone);
    print(format.of(report));
  }

  private CidrBlock address(String text) {
    try {
      CidrBlock address = CidrBlock.parse(text);
      if (address.isSingle()) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new ParameterException(commandLine(), "'" + text + "' is no IP address");
  }

  private void change(Config config, CidrBlock host) throws IOException {
    NftTable sentry = context.sentry();
    Path file = StateDirectory.sentry(config.stateDirectory());
    NftTableState before = read();
    if (action == Action.BLOCK) {
      if (!before.blocks()) {
        throw new IOException("the rules block nobody yet; run 'lsm compare' to set them");
      }
      sentry.block(host.toString(), config.sentryBlock());
    } else if (blocked(before, host).isPresent()) {
      sentry.unblock(host.toString());
    } else {
      throw new IOException(host + " is not blocked; 'lsm sentry' tells who is");
    }
    NftTableState after = read();
    String name = blocked(action == Action.BLOCK ? after : before, host).orElse(host.toString());
    SentryState state = SentryState.read(file).blocking(after.blocked());
    // What the administrator has done himself he needs not be told.
    blocked(after, host).map(it -> state.told(it, now())).orElse(state).write(file);
    history(config).add(action + "ed", name);
    out().println(name + " is " + action + "ed");
  }

  /** A host as nft writes it, if it is blocked. */
  private static Optional<String> blocked(NftTableState content, CidrBlock host) {
    return content.blocked().keySet().stream().filter(host::contains).findFirst();
  }

  /** As the rules spare whom this host cannot do without, so does the administrator. */
  private void requireBlockable(Config config, CidrBlock host) throws IOException {
    if (action == Action.UNBLOCK) {
      return;
    }
    if (config.sentry() != SentryMode.BLOCK) {
      throw new IOException("SENTRY=\"report\" blocks nobody; set it to block first");
    }
    InetAddress address = InetAddress.getByName(host.toString()); // a literal is not looked up
    Optional<String> reason = Optional.empty();
    if (address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null) {
      reason = Optional.of("an address of this host");
    } else if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
      reason = Optional.of("not the address of a host");
    } else if (isAmong(context.upstream(), host)) {
      reason = Optional.of("a gateway or name server of this host");
    } else if (isAmong(config.sentryIgnore(), host)) {
      reason = Optional.of("in SENTRY_IGNORE");
    }
    if (reason.isPresent()) {
      throw new IOException(host + " is " + reason.get() + ", it is never blocked");
    }
  }

  private static boolean isAmong(List<CidrBlock> ranges, CidrBlock host) {
    return ranges.stream().anyMatch(it -> it.contains(host.toString()));
  }

  private Instant now() {
    return context.host().clock().instant();
  }
}
