package org.lsm.report;

import java.util.List;
import java.util.stream.Collectors;

/** The health of lsm itself, one item a line. */
public record StatusReport(List<Item> items) {

  /**
   * One thing that lsm needs.
   *
   * @param name a word
   * @param text its state, escaped
   * @param fault whether the administrator must act
   */
  public record Item(String name, String text, boolean fault) {}

  public StatusReport {
    items = List.copyOf(items);
  }

  public boolean isGood() {
    return items.stream().noneMatch(Item::fault);
  }

  /** One line an item; an exclamation mark shows a fault. */
  public String text() {
    return items.stream()
        .map(it -> String.format("%-9s%s %s%n", it.name(), it.fault() ? "!" : " ", it.text()))
        .collect(Collectors.joining());
  }
}
