package org.lsm.report;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** The health of lsm itself, one item a line. */
public record StatusReport(List<Item> items, List<Measure> measures) {
  /** The states of the Monitoring Plugins Development Guidelines. */
  public enum Severity {
    OK(0),
    /** lsm still watches the sockets and can report differences. */
    WARNING(1),
    CRITICAL(2),
    /** Something could not be checked, for example without root privileges. */
    UNKNOWN(3);

    /** The exit status of a plugin. */
    public final int exitCode;

    Severity(int exitCode) {
      this.exitCode = exitCode;
    }
  }

  /** One thing that lsm needs and its state (escaped). */
  public record Item(String name, String text, Severity severity) {
    /** Whether the administrator must act. */
    public boolean isFault() {
      return severity != Severity.OK;
    }
  }

  /** A number of interest; its limits are {@code UNIT;WARNING;CRITICAL;MINIMUM}. */
  public record Measure(String name, long value, String limits) {}

  private static final int MAX_PLUGIN_TEXT = 1000; // what NRPE and others take is some kilobytes

  public boolean isGood() {
    return severity() == Severity.OK;
  }

  /** The highest severity of an item. */
  public Severity severity() {
    return items.stream().map(Item::severity).max(Comparator.naturalOrder()).orElse(Severity.OK);
  }

  /** One line an item; an exclamation mark shows a fault. */
  public String text() {
    return items.stream()
        .map(it -> String.format("%-9s%s %s%n", it.name(), it.isFault() ? "!" : " ", it.text()))
        .collect(Collectors.joining());
  }

  /** One line for a monitoring system: the faults, or the last compare, and performance data. */
  public String nagios() {
    String text =
        items.stream()
            .filter(it -> isGood() ? it.name().equals("Compare") : it.isFault())
            .map(it -> it.name() + ": " + it.text())
            .collect(Collectors.joining("; "))
            .replace('|', '/'); // begins the performance data
    String data =
        measures.stream()
            .map(it -> it.name() + "=" + it.value() + it.limits())
            .collect(Collectors.joining(" "));
    return String.format(
        "LSM %s - %s | %s%n", severity(), EscapedText.cut(text, MAX_PLUGIN_TEXT), data);
  }
}
