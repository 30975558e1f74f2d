package org.lsm.report;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The health of lsm itself, one item a line.
 *
 * @param isUnknown whether something could not be checked, for example without root privileges
 */
public record StatusReport(List<Item> items, List<Measure> measures, boolean isUnknown) {
  /** One thing that lsm needs, its state (escaped), and whether the administrator must act. */
  public record Item(String name, String text, boolean fault) {}

  /** A number of interest; its limits are {@code UNIT;WARNING;CRITICAL;MINIMUM}. */
  public record Measure(String name, long value, String limits) {}

  /** The states of the Monitoring Plugins Development Guidelines, by exit status. */
  private static final List<String> STATES = List.of("OK", "WARNING", "CRITICAL", "UNKNOWN");

  /** With a fault of these only, lsm still watches the sockets and can report differences. */
  private static final Set<String> MINOR = Set.of("Alert", "Alerts", "Sentry");

  private static final int MAX_PLUGIN_TEXT = 1000; // what NRPE and others take is some kilobytes

  public boolean isGood() {
    return items.stream().noneMatch(Item::fault);
  }

  /** The exit status of a monitoring plugin. */
  public int pluginStatus() {
    boolean isMinor = items.stream().noneMatch(it -> it.fault() && !MINOR.contains(it.name()));
    int status = isGood() ? 0 : isMinor ? 1 : 2;
    return isUnknown ? 3 : status;
  }

  /** One line an item; an exclamation mark shows a fault. */
  public String text() {
    return items.stream()
        .map(it -> String.format("%-9s%s %s%n", it.name(), it.fault() ? "!" : " ", it.text()))
        .collect(Collectors.joining());
  }

  /** One line for a monitoring system: the faults, or the last compare, and performance data. */
  public String nagios() {
    String text =
        items.stream()
            .filter(it -> isGood() ? it.name().equals("Compare") : it.fault())
            .map(it -> it.name() + ": " + it.text())
            .collect(Collectors.joining("; "))
            .replace('|', '/'); // begins the performance data
    String data =
        measures.stream()
            .map(it -> it.name() + "=" + it.value() + it.limits())
            .collect(Collectors.joining(" "));
    return String.format(
        "LSM %s - %s | %s%n",
        STATES.get(pluginStatus()), EscapedText.cut(text, MAX_PLUGIN_TEXT), data);
  }
}
