package org.lsm.cli;

import java.util.Locale;
import picocli.CommandLine.Option;

/** The option {@code --format}. */
final class OutputFormat {
  private enum Format {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
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
