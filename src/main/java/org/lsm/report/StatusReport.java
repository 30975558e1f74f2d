package org.lsm.report;

import java.util.List;
import java.util.stream.Collectors;

/** The health of lsm itself, one item a line. */
public record StatusReport(List<Item> items) {
  /** One thing that lsm needs, its state (escaped), and whether the administrator must act. */
  public record Item(String name, String text, boolean fault) {}

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
