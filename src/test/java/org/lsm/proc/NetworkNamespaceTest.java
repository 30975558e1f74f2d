package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lsm.FakeProc;

/** Notes about namespaces that cannot be read; SocketScannerTest covers the others. */
class NetworkNamespaceTest {

  @TempDir Path folder;

  @Test
  void notesNamespacesWithoutProcesses() throws IOException {
    FakeProc proc = FakeProc.bare(folder.resolve("proc")).namespace("self", 1).namespace(1, 1);
    Path names = Files.createDirectories(folder.resolve("netns"));
    Files.createFile(names.resolve("web"));
    Files.createFile(names.resolve("db"));
    List<String> notes = new ArrayList<>();
    ProcessReader processes = new ProcessReader(proc.path(), folder.resolve("passwd"));

    List<NetworkNamespace> all = NetworkNamespace.all(proc.path(), processes, names, notes);

    assertEquals(List.of(new NetworkNamespace("", proc.path().resolve("net"))), all);
    assertEquals(
        List.of(
            "cannot read network namespace db: no process runs in it",
            "cannot read network namespace web: no process runs in it"),
        notes);
  }
}
