package org.lsm.cli;

import java.time.Instant;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import org.lsm.config.Config;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code lsm history}: what was found, alerted and accepted, and when. */
@Command(name = "history", description = "Print what was found, alerted and accepted, and when.")
public final class HistoryCommand extends BaseCommand {

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description =
          "Only what happened since: 24h or 7d ago, or 2026-12-31 or 2026-12-31T23:59:59Z.")
  private String since;

  @Mixin private OutputFormat format;

  public HistoryCommand(CommandContext context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = context.config();
    print(
        format.of(
            history(config).since(since == null ? Instant.MIN : time(since)), context.zone()));
    return ExitCode.OK;
  }

  private Instant time(String text) {
    try {
      if (text.matches("\\d{1,5}[mhd]")) {
        return context.host().clock().instant().minus(Config.duration(text));
      }
      return text.indexOf('T') > 0
          ? Instant.parse(text)
          : LocalDate.parse(text).atStartOfDay(context.zone()).toInstant();
    } catch (DateTimeParseException e) {
      throw new ParameterException(
          commandLine(),
          "--since: '" + text + "' is no time; write 24h, 7d, 2026-12-31 or 2026-12-31T23:59:59Z");
    }
  }
}
