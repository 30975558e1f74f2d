package org.lsm.cli;

import org.lsm.report.Json;
import picocli.CommandLine.Option;

/** The option {@code --format}. */
final class OutputFormat {
  private enum Format {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return Json.name(this);
    }
  }

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "The format of the output: ${COMPLETION-CANDIDATES}.")
  private Format format;

  boolean isJson() {
    return format == Format.JSON;
  }
}
