package org.lsm.report;

import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.lsm.model.HostInfo;
import org.lsm.report.ReportDocument.Line;
import org.lsm.report.ReportDocument.Style;

/** The reports of what keeps lsm from comparing. */
public final class FailureReport {
  private FailureReport() {}

  /** The report where the baseline in a state directory is missing or damaged. */
  public static ReportDocument withoutBaseline(
      HostInfo hostInfo, String reason, Path stateDirectory, ZoneId zone) {
    List<Line> body = failed("NO BASELINE", "lsm detects nothing until it is restored", reason);
    body.add(Line.of(Style.DETAIL, "note", "only root can remove or change it"));
    body.add(Line.BLANK);
    body.addAll(Advice.restoreBaseline(stateDirectory));
    EscapedText outcome = EscapedText.of("the baseline cannot be read, nothing is compared");
    return ReportDocument.of(outcome, body, hostInfo, zone, List.of());
  }

  /** The report where a scan failed; an incomplete one has compared some of the host. */
  public static ReportDocument scanFailed(
      HostInfo hostInfo, String reason, boolean incomplete, ZoneId zone) {
    String what = incomplete ? "can miss a difference" : "detects nothing";
    List<Line> body = failed("SCAN", "lsm " + what + " until this is fixed", reason);
    body.add(Line.BLANK);
    body.add(Advice.heading("See whether it lasts, and what else lsm needs:"));
    body.add(Advice.command("lsm compare; lsm status"));
    body.add(Line.BLANK);
    String outcome = incomplete ? "the compare is incomplete" : "nothing could be compared";
    return ReportDocument.of(EscapedText.of(outcome), body, hostInfo, zone, List.of());
  }

  private static List<Line> failed(String title, String consequence, String reason) {
    return new ArrayList<>(
        List.of(
            Line.of(Style.TITLE, "FAILED", title),
            Line.of(Style.FLAG, "!", consequence),
            Line.of(Style.DETAIL, "reason", reason)));
  }
}
