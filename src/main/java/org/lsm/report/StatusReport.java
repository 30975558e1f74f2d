package org.lsm.report;

import java.util.List;
import java.util.stream.Collectors;

/**
 * How it stands with the monitor itself.
 *
 * @param items each with what was found out
 */
public record StatusReport(List<Item> items) {

  /**
   * One thing that the monitor needs.
   *
   * @param name a word
   * @param text how it stands, escaped
   * @param fault whether somebody has to do something
   */
  public record Item(String name, String text, boolean fault) {}

  public StatusReport {
    items = List.copyOf(items);
  }

  /** Whether everything is as it should be. */
  public boolean isGood() {
    return items.stream().noneMatch(Item::fault);
  }

  /** One line an item; an exclamation mark where somebody has to do something. */
  public String text() {
    return items.stream()
        .map(it -> String.format("%-9s%s %s%n", it.name(), it.fault() ? "!" : " ", it.text()))
        .collect(Collectors.joining());
  }
}
