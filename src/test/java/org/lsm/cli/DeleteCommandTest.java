package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeleteCommandTest extends CommandTestBase {

  @ParameterizedTest
  @ValueSource(strings = {"delete", "-d"})
  void deletesAllBaselines(String command) {
    lsm("generate");
    lsm("generate");
    lsm("generate");

    assertEquals(
        done(
            ("Deleted " + baseline + "\n")
                + ("Deleted " + baseline + ".1\n")
                + ("Deleted " + baseline + ".2\n")),
        lsm(command));
    assertFalse(Files.exists(baseline));
    assertEquals(
        error("there is no baseline " + baseline + "; if none was taken yet, run 'lsm generate'"),
        lsm("compare"));
  }

  @Test
  void deletesDamagedBaseline() throws IOException {
    lsm("generate");
    Files.writeString(baseline, "rubbish");

    assertEquals(done("Deleted " + baseline + "\n"), lsm("delete"));
  }

  @Test
  void saysThatThereWasNoBaseline() {
    lsm("generate");
    lsm("delete");

    assertEquals(done("There was no baseline in " + state + "\n"), lsm("delete"));
  }

  /** Without a baseline, no port is known to be unused. */
  @Test
  void removesTableOfPacketFilter() throws IOException {
    FakeNft nft = FakeNft.of(directory);
    configure("MAILER=\"none\"", "SENTRY=\"report\"");
    lsm("generate");
    lsm("compare");
    nft.runs();
    nft.setFailure("Operation not permitted (you must be root)\n");

    Result refused = lsm("delete");
    assertEquals(2, refused.exitCode());
    assertTrue(
        refused.err().startsWith("lsm: the packet filter cannot be used: "), refused.toString());
    assertEquals("Deleted " + baseline + "\n", refused.out(), "baselines need no packet filter");
    assertFalse(Files.exists(baseline));
    assertTrue(Files.exists(state.resolve("sentry-state")), "the next run tries again");

    nft.clearFailure();
    nft.runs();
    assertEquals(
        done(
            ("There was no baseline in " + state + "\n")
                + "Removed the table inet lsm from the packet filter\n"),
        lsm("delete"));
    assertEquals(List.of("-f -\nadd table inet lsm\ndelete table inet lsm\n"), nft.runs());
    assertFalse(Files.exists(state.resolve("sentry-state")));
    lsm("delete");
    assertEquals(List.of(), nft.runs());
  }
}
