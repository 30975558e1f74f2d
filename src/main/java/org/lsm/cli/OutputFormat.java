package org.lsm.cli;

import org.lsm.model.EnumName;
import picocli.CommandLine.Option;

/** The option {@code --format}. */
final class OutputFormat {
  private enum Format {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return EnumName.of(this);
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
