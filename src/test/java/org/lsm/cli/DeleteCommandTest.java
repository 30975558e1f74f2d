package org.lsm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code lsm delete}, as a whole. */
class DeleteCommandTest extends CommandTestBase {

  @ParameterizedTest
  @ValueSource(strings = {"delete", "-d"})
  void deletesTheBaselineAndItsPredecessors(String command) {
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
        trouble("there is no baseline " + baseline + "; run 'lsm generate' to take one"),
        lsm("compare"));
  }

  @Test
  void damagedBaselineIsDeletedAsWell() throws IOException {
    lsm("generate");
    Files.writeString(baseline, "rubbish");

    assertEquals(done("Deleted " + baseline + "\n"), lsm("delete"));
  }

  @Test
  void saysThatThereWasNothing() {
    lsm("generate");
    lsm("delete");

    assertEquals(done("There was no baseline in " + state + "\n"), lsm("delete"));
  }
}
