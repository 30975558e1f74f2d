package org.lsm.report;

import static java.util.Comparator.comparing;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.lsm.model.Diff;
import org.lsm.model.Difference;
import org.lsm.model.DifferenceCounts;
import org.lsm.model.DifferenceType;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** The names of several hosts, and how some of them, by number, differ from their majority. */
public record HostsReport(List<String> names, Map<Difference, List<Integer>> differing) {
  private static final int MAX_HOSTS = 20; // that are named in a line

  /** NEW, CHANGED, then GONE, each in the order of endpoints. */
  List<Difference> differences() {
    return differing.keySet().stream()
        .sorted(comparing(Difference::type).thenComparing(Difference::endpoint))
        .toList();
  }

  List<String> names(Difference difference) {
    return differing.get(difference).stream().map(names::get).toList();
  }

  public ReportDocument document() {
    List<Difference> all = differences();
    String outcome =
        all.isEmpty() ? "no difference" : DifferenceCounts.of(new Diff(all)).toString();
    List<Line> lines = new ArrayList<>();
    lines.add(Line.of(Style.HEADLINE, "", names.size(), " hosts: ", outcome));
    List<Difference> named = DiffReport.named(new Diff(all));
    for (Difference it : named) {
      lines.add(Line.BLANK);
      lines.add(Line.of(Style.TITLE, it.type().name(), it.endpoint()));
      EscapedText now = OwnerText.of(it.after(), user -> user);
      EscapedText usual = OwnerText.of(it.before(), user -> user);
      boolean isChanged = it.type() == DifferenceType.CHANGED;
      lines.add(
          isChanged
              ? Line.of(Style.DETAIL, "owner", now, ", not ", usual)
              : Line.of(Style.DETAIL, "owner", now));
      lines.add(Line.of(Style.DETAIL, "hosts", new EscapedText(where(it))));
    }
    int more = all.size() - named.size();
    if (more > 0) {
      lines.add(Line.BLANK);
      lines.add(Line.of(Style.DETAIL, "and", more, " more; --format json has all of them"));
    }
    return new ReportDocument(lines);
  }

  private String where(Difference it) {
    List<String> hosts = names(it);
    int more = hosts.size() - MAX_HOSTS;
    boolean isGone = it.type() == DifferenceType.GONE;
    return "on "
        + (isGone ? names.size() - hosts.size() : hosts.size())
        + (" of " + names.size() + (isGone ? ", not on " : ": "))
        + hosts.stream()
            .limit(MAX_HOSTS)
            .map(name -> EscapedText.escape(name).replace(" ", "\\x20")) // one name, not two
            .collect(Collectors.joining(" "))
        + (more > 0 ? " … and " + more + " more" : "");
  }
}
