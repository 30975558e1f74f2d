package org.lsm.cli;

import java.nio.file.AccessDeniedException;
import java.util.SortedMap;
import java.util.TreeMap;
import org.lsm.alert.Listing;
import org.lsm.config.Config;
import org.lsm.config.IgnoreRules;
import org.lsm.proc.Survey;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.ScanState;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SocketEntry;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lsm list}: the sockets there are now, with their owners. */
@Command(name = "list", description = "Print the sockets there are now, with their owners.")
public final class ListCommand extends LsmCommand {

  @Option(
      names = "--all",
      description = "Print the ignored ones too, and the line of ignore.lsm that covers each.")
  private boolean all;

  @Mixin private Format format;

  public ListCommand(Context context) {
    super(context);
  }

  @Override
  public Integer call() throws Exception {
    Config config = Config.defaults();
    IgnoreRules rules = IgnoreRules.none();
    try {
      config = context.config();
      rules = context.rules();
    } catch (AccessDeniedException e) {
      warn(e.getFile() + " is for root alone; listing with the defaults");
    }
    Survey survey = context.survey(config, ScanState.empty());
    survey.look();
    print(format.of(listing(survey, rules)));
    survey.notes().forEach(this::warn);
    return ExitCode.DONE;
  }

  private Listing listing(Survey survey, IgnoreRules rules) {
    SortedMap<Endpoint, Integer> ignored = new TreeMap<>();
    for (SocketEntry entry : survey.found().sockets().values()) {
      rules.covering(entry).ifPresent(rule -> ignored.put(entry.endpoint(), rule.line()));
    }
    Snapshot shown = all ? survey.found() : survey.found().where(rules::isOpen);
    return new Listing(shown, ignored, survey.notes());
  }
}
