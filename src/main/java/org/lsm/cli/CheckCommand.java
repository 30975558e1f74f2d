package org.lsm.cli;

import static org.lsm.cli.Arguments.parameters;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.lsm.config.Config;
import org.lsm.config.ConfigException;
import org.lsm.config.RuleFiles;
import org.lsm.config.Rules;
import org.lsm.model.ErrorMessages;
import org.lsm.model.Plural;
import org.lsm.model.TextEscaper;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.SecureFiles;
import picocli.CommandLine.Model.CommandSpec;

final class CheckCommand extends BaseCommand {
  private List<Path> files = new ArrayList<>();
  private int rules;

  CheckCommand() {
    super("Check the configuration and the rules for mistakes, without a scan.", "check");
  }

  @Override
  void addArguments(CommandSpec spec) {
    spec.addPositional(
        parameters("FILE", Path.class, it -> files = it)
            .arity("0..*")
            .description(
                "Check the text of these files instead of the configuration of this host: conf.lsm,"
                    + " ignore.lsm, other files as those of rules.d, or all *.lsm of a directory.")
            .build());
  }

  @Override
  public Integer call() throws Exception {
    Path config = context.configFile();
    List<Path> all = new ArrayList<>();
    for (Path file : files) {
      all.addAll(Files.isDirectory(file) ? RuleFiles.in(file) : List.of(file));
      printUnread(file);
    }
    if (files.isEmpty()) {
      all.add(config);
      all.addAll(RuleFiles.beside(config));
      printUnread(config.resolveSibling(RuleFiles.DIRECTORY));
    }
    boolean isValid = true;
    for (Path file : all) {
      isValid &= check(file);
    }
    if (isValid) {
      out()
          .printf(
              "%s in %s are valid%n",
              Plural.count(rules, "rule"), Plural.count(all.size(), "file"));
    }
    return isValid ? ExitCode.OK : ExitCode.ERROR;
  }

  /** Names what an administrator may take for rules, such as web.conf. */
  private void printUnread(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      for (Path file : RuleFiles.unreadIn(directory)) {
        String name = TextEscaper.escape(file.toString());
        out()
            .println(name + ": not read, since its name does not end in .lsm or begins with a dot");
      }
    }
  }

  /** Checks a file, and prints its first mistake. */
  private boolean check(Path file) {
    try {
      boolean isOfHost = files.isEmpty();
      byte[] text = isOfHost ? SecureFiles.read(file) : AtomicFile.read(file);
      if (isOfHost ? file.equals(context.configFile()) : file.endsWith("conf.lsm")) {
        Config.parse(file, text);
      } else {
        rules += Rules.parse(file, text, Set::of).rules().size(); // users may be unknown here
      }
      return true;
    } catch (IOException | ConfigException e) {
      out().println(TextEscaper.escape(ErrorMessages.explain(e)));
      return false;
    }
  }
}
