package org.lsm.cli;

import static org.lsm.cli.Arguments.format;

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
    spec.addOption(format(Format.class, it -> format = it).build());
  }

  boolean isJson() {
    return format == Format.JSON;
  }
}
