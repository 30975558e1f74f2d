package org.lsm.cli;

import static org.lsm.cli.Arguments.option;

import org.lsm.model.EnumName;
import picocli.CommandLine.Model.CommandSpec;

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

  private Format format;

  void addTo(CommandSpec spec) {
    spec.addOption(
        option("--format", "FORMAT", Format.class, it -> format = it)
            .defaultValue("text")
            .description("The format of the output: ${COMPLETION-CANDIDATES}.")
            .build());
  }

  boolean isJson() {
    return format == Format.JSON;
  }
}
