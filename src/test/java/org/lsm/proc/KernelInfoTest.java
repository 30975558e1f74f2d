package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lsm.FakeProc;

class KernelInfoTest {

  @ParameterizedTest
  @CsvSource({
    "3.10.0-1160.el7.x86_64, false, false",
    "4.4.0,                  false, false",
    "4.4.302-generic,        false, false",
    "4.5.0,                  true,  false",
    "4.18.0-553.el8,         true,  false",
    "5.5.19,                 true,  false",
    "5.6.0,                  true,  true",
    "5.15.0,                 true,  true",
    "6.1.0-13-amd64,         true,  true",
    "10.0.0,                 true,  true",
    "unknown,                false, false"
  })
  void knowsWhatTheKernelDoes(String release, boolean first, boolean marks, @TempDir Path folder)
      throws Exception {
    FakeProc proc = FakeProc.bare(folder.resolve("proc"));
    KernelInfo kernel = new KernelInfo(proc.write("sys/kernel/osrelease", release + "\n").path());
    assertEquals(first, kernel.listsListenersFirst());
    assertEquals(marks, kernel.marksUnixSockets());
  }
}
