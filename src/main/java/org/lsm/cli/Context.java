package org.lsm.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Properties;
import org.lsm.config.Config;
import org.lsm.config.ConfigException;
import org.lsm.config.IgnoreRules;
import org.lsm.proc.HostScanner;
import org.lsm.proc.Survey;
import org.lsm.snapshot.EphemeralPorts;
import org.lsm.snapshot.ScanState;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.StateDirectory;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What all commands share: the options that each of them takes, and the way to the host. */
public final class Context {

  /** How long a run waits for another one to end. */
  private static final Duration LOCK_PATIENCE = Duration.ofSeconds(30);

  private static final String DEFAULT_CONFIG = "/usr/local/lsm/conf.lsm";

  private final Host host;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "Read this configuration instead of conf.lsm beside the program.")
  private Path configFile;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Tell on stderr what is done, and where errors come from.")
  private boolean verbose;

  @Option(
      names = "--no-color",
      scope = ScopeType.INHERIT,
      description = "Do not colour the output on a terminal.")
  private boolean noColor;

  public Context(Host host) {
    this.host = host;
  }

  public Host host() {
    return host;
  }

  public boolean verbose() {
    return verbose;
  }

  /** Whether output may be coloured, as far as the options tell. */
  boolean colorAllowed() {
    return !noColor;
  }

  /** The configuration, from {@code --config}, LSM_CONF, or beside the program. */
  Config config() throws IOException, ConfigException {
    return Config.read(configFile());
  }

  /** The ignore rules, which stand beside the configuration. */
  IgnoreRules rules() throws IOException, ConfigException {
    return IgnoreRules.read(configFile().resolveSibling("ignore.lsm"));
  }

  private Path configFile() {
    if (configFile != null) {
      return configFile;
    }
    String fromEnvironment = host.environment().getOrDefault("LSM_CONF", "");
    return Path.of(
        fromEnvironment.isEmpty()
            ? System.getProperty("lsm.conf", DEFAULT_CONFIG)
            : fromEnvironment);
  }

  /** Opens the state directory; waits for another run to end. */
  StateDirectory openState(Config config) throws IOException {
    return StateDirectory.open(config.stateDirectory(), LOCK_PATIENCE);
  }

  /** A survey of the host, on top of what the last run has seen. */
  Survey survey(Config config, ScanState remembered) throws IOException {
    return new Survey(
        new HostScanner(host.sources(), config.allNetworkNamespaces(), host.clock(), version()),
        remembered);
  }

  /** A comparison with a baseline, as the configuration and the ignore rules say. */
  Comparison comparison(Config config, Survey survey, Snapshot baseline)
      throws IOException, ConfigException {
    EphemeralPorts ephemeral = survey.ephemeralPorts(config.ephemeral());
    return new Comparison(survey, baseline, ephemeral, rules());
  }

  ZoneId zone() {
    return host.clock().getZone();
  }

  /** The version of this lsm. */
  public static String version() {
    try (InputStream in = Context.class.getResourceAsStream("/version.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
