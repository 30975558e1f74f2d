package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import org.junit.jupiter.api.Test;

class IoUringTest {

  /** As Linux 6.18 prints it; the path of a file is escaped. */
  @Test
  void findsRegisteredSockets() {
    String fdinfo =
        """
        pos:\t0
        flags:\t02000002
        ino:\t196302642
        SqThread:\t-1
        UserFiles:\t5
            0: socket:[196302643]
            1: /tmp/socket:[7]
            2: /tmp/x\\012    2: socket:[8]
            3: pipe:[9]
        100000: socket:[4294967296]
        UserBufs:\t1
            0: 0x7f0000000000/4096
        PollList:
        """;
    assertEquals(Set.of(196302643L, 4294967296L), IoUring.inodes(fdinfo));
    assertEquals(Set.of(), IoUring.inodes("pos:\t0\nUserFiles:\t0\n"));
    assertEquals(Set.of(), IoUring.inodes(""));
  }
}
