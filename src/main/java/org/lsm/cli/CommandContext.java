package org.lsm.cli;

import static org.lsm.cli.Arguments.flag;
import static org.lsm.cli.Arguments.option;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.Optional;
import org.lsm.config.Config;
import org.lsm.config.ConfigException;
import org.lsm.model.TextEscaper;
import org.lsm.monitor.Components;
import org.lsm.monitor.Schedule;
import org.lsm.monitor.SystemEnvironment;
import org.lsm.storage.SecureFiles;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ScopeType;

/** The options of the command lsm, which all commands take, their streams, and the host. */
public class CommandContext {
  /** The variable that names the configuration. */
  protected static final String CONFIG = "LSM_CONF";

  private static final String DEFAULT_CONFIG = "/usr/local/lsm/conf.lsm";

  final SystemEnvironment environment;
  protected final PrintWriter out;
  protected final PrintWriter err;

  protected Path configFile;
  protected boolean verbose;
  boolean noColor;

  /** Takes the host, and the streams for results and for errors and notes. */
  protected CommandContext(SystemEnvironment environment, PrintWriter out, PrintWriter err) {
    this.environment = environment;
    this.out = out;
    this.err = err;
  }

  /** Adds the options that all commands take. */
  protected final void addOptions(CommandSpec spec) {
    spec.addOption(
        option("--config", "FILE", Path.class, it -> configFile = it)
            .scopeType(ScopeType.INHERIT)
            .description("Read this configuration instead of conf.lsm beside the program.")
            .build());
    spec.addOption(
        flag("--verbose", it -> verbose = it)
            .scopeType(ScopeType.INHERIT)
            .description("Print to stderr what is done and where errors come from.")
            .build());
    spec.addOption(
        flag("--no-color", it -> noColor = it)
            .scopeType(ScopeType.INHERIT)
            .description("Do not color the output on a terminal.")
            .build());
    spec.addOption(
        OptionSpec.builder("-h", "--help")
            .usageHelp(true)
            .scopeType(ScopeType.INHERIT)
            .description("Show this help message and exit.")
            .build());
    spec.addOption(
        OptionSpec.builder("-V", "--version")
            .versionHelp(true)
            .scopeType(ScopeType.INHERIT)
            .description("Print version information and exit.")
            .build());
  }

  /** Reads the configuration; the state directory it names has to be safe to use. */
  final Components components() throws IOException, ConfigException {
    Config config = Config.read(configFile());
    SecureFiles.requireRootOnly(config.stateDirectory());
    return components(config);
  }

  /** The same for a command that needs no root: with the defaults, and a warning, where it must. */
  final Components readableComponents() throws IOException, ConfigException {
    try {
      return components();
    } catch (AccessDeniedException e) {
      warn(e.getFile() + ": only root can read it; going on with the defaults");
      return components(Config.defaults());
    }
  }

  private Components components(Config config) {
    return new Components(environment, configFile(), config, it -> err.println("lsm: " + it));
  }

  /** What starts lsm with this configuration, if it is known. */
  final Optional<Schedule> schedule() throws IOException {
    return Schedule.find(environment, configFile(), isDefaultConfig());
  }

  /** Whether the configuration is the one that lsm reads by itself. */
  final boolean isDefaultConfig() {
    return configFile().equals(defaultConfig());
  }

  private static Path defaultConfig() {
    return Path.of(System.getProperty("lsm.conf", DEFAULT_CONFIG));
  }

  /** The configuration file: of {@code --config}, LSM_CONF, or beside the program. */
  final Path configFile() {
    return configFile != null ? configFile : configFile(environment.variables().get(CONFIG));
  }

  /** The configuration file that LSM_CONF names, if it is set; else that beside the program. */
  protected static Path configFile(String variable) {
    return variable == null || variable.isEmpty() ? defaultConfig() : Path.of(variable);
  }

  /** Prints a problem that does not end the command; not escaped. */
  public final void warn(String problem) {
    err.println("lsm: " + TextEscaper.escape(problem));
  }
}
