package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InterfaceNamesTest {
  @TempDir Path tables;

  @Test
  void readsInterfacesThatAreUpOrHaveIpv6() throws Exception {
    Files.writeString(
        tables.resolve("igmp"),
        """
        Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
        2\teth0      :     1      V3
        \t\t\t\t010000E0     1 0:00000000\t\t0
        bad row
        7\
        """);
    Path directory = Files.createDirectory(tables.resolve("dev_snmp6"));
    Files.writeString(directory.resolve("v0"), "ifIndex                         \t3\nIp6In \t4\n");
    Files.writeString(directory.resolve("bad"), "");

    InterfaceNames names = new InterfaceNames(tables);

    assertEquals(
        List.of("eth0", "v0", "if7", "if9"),
        List.of(names.of("2"), names.of("3"), names.of("7"), names.of("9")));
  }

  @Test
  void hasNoNamesWithoutFiles() throws Exception {
    assertEquals("if2", new InterfaceNames(tables).of("2"));
  }

  @Test
  void readsThoseOfThisHost() throws Exception {
    InterfaceNames names = new InterfaceNames(Path.of("/proc/net"));
    assertEquals("lo", names.of(Integer.toString(NetworkInterface.getByName("lo").getIndex())));
  }
}
