package org.lsm.cli;

import static org.lsm.cli.Arguments.option;

import java.time.Instant;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import org.lsm.alert.History;
import org.lsm.config.Config;
import org.lsm.monitor.Components;
import org.lsm.report.Json;
import picocli.CommandLine.Model.CommandSpec;

final class HistoryCommand extends BaseCommand {
  private String since;
  private final OutputFormat format = new OutputFormat();

  HistoryCommand() {
    super("Print what was found, alerted and accepted, and when.", "history");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addOption(
        option("--since", "TIME", String.class, it -> since = it)
            .description(
                "Only events since then: 24h or 7d ago, or 2026-12-31 or 2026-12-31T23:59:59Z.")
            .build());
    format.addTo(spec);
  }

  @Override
  public Integer call() throws Exception {
    Components components = context.components();
    Instant from = since == null ? Instant.MIN : time(since, components);
    List<History.Event> events = components.history().since(from);
    String table = History.table(events, components.zone());
    print(format.isJson() ? Json.print(Map.of("events", events)) : table);
    return ExitCode.OK;
  }

  private Instant time(String text, Components components) {
    try {
      if (text.matches("\\d{1,5}[mhd]")) {
        return components.now().minus(Config.duration(text));
      }
      return text.indexOf('T') > 0
          ? Instant.parse(text)
          : LocalDate.parse(text).atStartOfDay(components.zone()).toInstant();
    } catch (DateTimeParseException e) {
      String advice = "; write 24h, 7d, 2026-12-31 or 2026-12-31T23:59:59Z";
      throw usageError("--since: '" + text + "' is not a time" + advice);
    }
  }
}
