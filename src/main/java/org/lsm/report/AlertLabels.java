package org.lsm.report;

import static org.lsm.report.EscapedText.escape;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.lsm.model.Difference;
import org.lsm.model.Owner;

/** The labels and annotations of a difference in Alertmanager, escaped and bounded. */
public final class AlertLabels {
  /** Between the values of several owners. */
  public static final String SEPARATOR = ", ";

  private static final int MAX_LABEL = 200; // characters
  private static final int MAX_DESCRIPTION = 1500;

  private AlertLabels() {}

  /** The labels {@code program}, {@code user} and {@code netns}, as far as they are known. */
  public static SortedMap<String, String> of(Difference difference) {
    List<Owner> owners =
        difference.after().owners().stream()
            .filter(it -> !it.equals(Owner.UNKNOWN) && !it.user().isEmpty())
            .toList();
    SortedMap<String, String> labels = new TreeMap<>();
    Stream<Owner> holders = owners.stream().filter(it -> !it.isMaker());
    put(labels, "program", holders.map(it -> OwnerText.program(it).text()));
    put(labels, "user", owners.stream().map(it -> escape(it.user())));
    put(labels, "netns", Stream.of(escape(difference.endpoint().netns())));
    return labels;
  }

  private static void put(SortedMap<String, String> labels, String name, Stream<String> values) {
    String value = values.distinct().sorted().collect(Collectors.joining(SEPARATOR));
    if (!value.isEmpty()) {
      labels.put(name, EscapedText.cut(value, MAX_LABEL));
    }
  }

  /** The difference in a line, its block of the report, and the command that accepts it. */
  public static SortedMap<String, String> annotations(Difference difference, DiffReport report) {
    String block = report.reporting(List.of(difference), List.of()).differencesText().strip();
    SortedMap<String, String> annotations = new TreeMap<>();
    annotations.put("summary", report.line(difference));
    annotations.put("description", EscapedText.cut(block, MAX_DESCRIPTION));
    annotations.put("accept", Advice.acceptCommand("", Advice.pattern(difference)));
    return annotations;
  }
}
