package org.lsm.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.lsm.OutboundSet;
import org.lsm.sentry.NftTable;

/**
 * A fake nft: it records its runs, and lists a table that a real nft printed, with the mark of the
 * rules that it was given last. Of the table of outbound connections it knows whether there is one,
 * and the sets.
 */
final class FakeNft {

  private static final String NEXT_RUN = "\f";

  private final Path program;

  private FakeNft(Path program) {
    this.program = program;
  }

  /** Installs it in a directory. It has the table of probes.json once it was given rules. */
  static FakeNft of(Path directory) throws IOException {
    FakeNft nft = new FakeNft(directory.resolve("nft"));
    try (var probes = NftTable.class.getResourceAsStream("probes.json")) {
      nft.setTable(new String(probes.readAllBytes(), StandardCharsets.UTF_8));
    }
    String script =
        """
        #!/bin/sh
        [ "$1" != -t ] || exit 0 # all rules, of which there are no others
        printf '\\f%s\\n' "$*" >> FILE.runs
        [ ! -e FILE.failure ] || { cat FILE.failure >&2; exit 1; }
        if [ "$5" = lsm_outbound ]; then
          [ -e FILE.outbound ] || { printf 'Error: No such file or directory\\n%s\\n' "$*" >&2; exit 1; }
          cat "FILE.set.$6" 2>/dev/null || echo '{"nftables": [{"set": {}}]}'
          [ ! -e "FILE.late.$6" ] || mv "FILE.late.$6" "FILE.set.$6"
        elif [ "$1" = -j ]; then
          [ -e FILE.mark ] || { printf 'Error: No such file or directory\\n%s\\n' "$*" >&2; exit 1; }
          sed 's/"comment": "[^"]*"/"comment": "'"$(cat FILE.mark)"'"/' FILE.table
        else
          cat > FILE.input
          cat FILE.input >> FILE.runs
          case $(cat FILE.input) in
            *flush\\ set\\ inet\\ lsm_outbound*) rm -f FILE.set.new* ;;
            *table\\ inet\\ lsm_outbound\\ {*) rm -f FILE.set.*; : > FILE.outbound ;;
            *lsm_outbound*) rm -f FILE.set.* FILE.outbound ;;
            *comment*) sed -n 's/.* comment "\\(.*\\)"/\\1/p' FILE.input > FILE.mark ;;
            *delete\\ table*) rm -f FILE.mark ;;
          esac
          [ ! -e FILE.next ] || mv FILE.next FILE.table
        fi
        """;
    Files.writeString(nft.program, script.replace("FILE", nft.program.toString()));
    Files.setPosixFilePermissions(nft.program, PosixFilePermissions.fromString("rwx------"));
    return nft;
  }

  private Path file(String suffix) {
    return program.resolveSibling("nft." + suffix);
  }

  /** Sets the table, as JSON. */
  FakeNft setTable(String json) throws IOException {
    Files.writeString(file("table"), json);
    return this;
  }

  /** Sets the table after the next change. */
  void setNextTable(String json) throws IOException {
    Files.writeString(file("next"), json);
  }

  /** The table, as JSON. */
  String table() throws IOException {
    return Files.readString(file("table"));
  }

  /** The table with more elements in one of its sets, as JSON. */
  String tableWith(String set, String elements) throws IOException {
    return table()
        .replaceFirst("(\"name\": \"" + set + "\".*?\"elem\": \\[)", "$1" + elements + ", ");
  }

  /** As a reboot does. */
  void deleteTable() throws IOException {
    Files.delete(file("mark"));
  }

  /** Sets the elements of a set of the table of outbound connections, as JSON. */
  void setOutbound(String set, String... elements) throws IOException {
    Files.writeString(file("set." + set), OutboundSet.of(elements));
  }

  /** Sets the elements that such a set has after it was listed once more. */
  void setOutboundLater(String set, String... elements) throws IOException {
    Files.writeString(file("late." + set), OutboundSet.of(elements));
  }

  boolean hasOutbound() {
    return Files.exists(file("outbound"));
  }

  /** As somebody does who removes the table of outbound connections, or a reboot. */
  void deleteOutbound() throws IOException {
    Files.delete(file("outbound"));
  }

  void setFailure(String words) throws IOException {
    Files.writeString(file("failure"), words);
  }

  void clearFailure() throws IOException {
    Files.delete(file("failure"));
  }

  /** The arguments and the input of each run since the last call. */
  List<String> runs() throws IOException {
    if (Files.notExists(file("runs"))) {
      return List.of();
    }
    String[] runs = Files.readString(file("runs")).split(NEXT_RUN, -1);
    Files.delete(file("runs"));
    return Arrays.asList(runs).subList(1, runs.length);
  }
}
