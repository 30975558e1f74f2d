package org.lsm.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.lsm.sentry.NftTable;

/**
 * A program in the place of nft: it keeps what it was told, and lists what a real one has once
 * written. The mark in that is the one of the rules that it was given last.
 */
final class FakeNft {

  private static final String NEXT_RUN = "\f";

  private final Path program;

  private FakeNft(Path program) {
    this.program = program;
  }

  /** The host's nft, with the table of probes.json once it was given rules. */
  static FakeNft of(Path host) throws IOException {
    FakeNft nft = new FakeNft(host.resolve("nft"));
    try (var probes = NftTable.class.getResourceAsStream("probes.json")) {
      nft.hasTable(new String(probes.readAllBytes(), StandardCharsets.UTF_8));
    }
    String script =
        """
        #!/bin/sh
        printf '\\f%s\\n' "$*" >> FILE.told
        [ ! -e FILE.failure ] || { cat FILE.failure >&2; exit 1; }
        if [ "$1" = -j ]; then
          [ -e FILE.mark ] || { printf 'Error: No such file or directory\\n%s\\n' "$*" >&2; exit 1; }
          sed 's/"comment": "[^"]*"/"comment": "'"$(cat FILE.mark)"'"/' FILE.table
        else
          cat > FILE.input
          cat FILE.input >> FILE.told
          case $(cat FILE.input) in
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

  /** What there is in the table, as JSON. */
  FakeNft hasTable(String json) throws IOException {
    Files.writeString(file("table"), json);
    return this;
  }

  /** What there will be once it is told to do something. */
  void willHaveTable(String json) throws IOException {
    Files.writeString(file("next"), json);
  }

  /** What there is in the table. */
  String table() throws IOException {
    return Files.readString(file("table"));
  }

  /** What there is in the table with more in one of its sets, as JSON. */
  String tableWith(String set, String elements) throws IOException {
    return table()
        .replaceFirst("(\"name\": \"" + set + "\".*?\"elem\": \\[)", "$1" + elements + ", ");
  }

  /** As after a boot. */
  void losesTable() throws IOException {
    Files.delete(file("mark"));
  }

  void fails(String words) throws IOException {
    Files.writeString(file("failure"), words);
  }

  void works() throws IOException {
    Files.delete(file("failure"));
  }

  /** The arguments and the input of each run since this was asked last. */
  List<String> told() throws IOException {
    if (Files.notExists(file("told"))) {
      return List.of();
    }
    String[] runs = Files.readString(file("told")).split(NEXT_RUN, -1);
    Files.delete(file("told"));
    return Arrays.asList(runs).subList(1, runs.length);
  }
}
