package org.lsm.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ControlGroupTest {
  private static final String ID =
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

  /** A semicolon ends a row; the ID of each container begins with 0123456789ab. */
  @ParameterizedTest
  @CsvSource({
    // systemd
    "0::/system.slice/ssh.service,                                   ssh.service",
    "0::/system.slice/ssh.socket,                                    ssh.socket",
    "0::/user.slice/user-1000.slice/session-3.scope,                 session-3.scope",
    "0::/user.slice/user@1000.service/app.slice/a:b.scope,           user@1000.service/a:b.scope",
    "0::/user.slice/user-1000.slice,                                 ''",
    "0::/,                                                           ''",
    "'',                                                             ''",
    "garbage,                                                        ''",
    "4:memory:/a.service;1:name=systemd:/b.slice/c.service;0::/,     c.service",
    "4:memory:/system.slice/cron.service,                            ''",
    // docker
    "0::/system.slice/docker-ID.scope,                               container 0123456789ab",
    "0::/docker/ID,                                                  container 0123456789ab",
    "0::/docker/ID/docker/ID,            container 0123456789ab/container 0123456789ab",
    "0::/docker-ID.scope/init.scope/x.service,  container 0123456789ab/init.scope/x.service",
    "12:pids:/docker/ID;1:name=systemd:/docker/ID,                   container 0123456789ab",
    "'3:cpuset:/;2:cpu,cpuacct:/docker/ID',                          container 0123456789ab",
    "4:memory:/docker/ID;1:name=systemd:/system.slice/x.service,"
        + "                                                          container 0123456789ab/x.service",
    "0::/docker/0123,                                                ''",
    "0::/docker/0ID,                                                 ''",
    // containerd and CRI-O below Kubernetes
    "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope, container 0123456789ab",
    "0::/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:ID,"
        + "                                           containerd.service/container 0123456789ab",
    "11:devices:/kubepods/besteffort/pod1/ID;1:name=systemd:/,       container 0123456789ab",
    "0::/kubepods.slice/kubepods-pod1.slice/crio-ID.scope,           container 0123456789ab",
    "0::/kubepods.slice/crio-conmon-ID.scope,                        crio-conmon-ID.scope",
    // podman
    "0::/machine.slice/libpod-ID.scope,                              container 0123456789ab",
    "0::/machine.slice/libpod-ID.scope/container,                    container 0123456789ab",
    "0::/libpod_parent/libpod-ID,                                    container 0123456789ab",
    "9:pids:/libpod_parent/libpod-ID;1:name=systemd:/,               container 0123456789ab",
    // lxc
    "0::/lxc.payload.web1,                                           container web1",
    "0::/lxc.payload.web1/system.slice/x.service,                    container web1/x.service",
    "0::/lxc.monitor.web1,                                           ''",
    "8:cpu:/lxc/web1;1:name=systemd:/lxc/web1/init.scope,            container web1/init.scope",
    "8:cpu:/lxc.payload/web1;1:name=systemd:/,                       container web1",
    // systemd-nspawn, and virtual machines
    "0::/machine.slice/machine-web1.scope/payload/init.scope,        machine-web1.scope/init.scope",
  })
  void namesUnitsAndContainer(String rows, String unit) {
    assertEquals(unit.replace("ID", ID), group(rows).unit());
  }

  @ParameterizedTest
  @CsvSource({
    "0::/machine.slice/machine-web.scope,                    web",
    "0::/machine.slice/machine-web.scope/payload/init.scope, web",
    "0::/machine.slice/machine-my\\x2dweb.scope,             my-web",
    "0::/lxc.payload.web,                                    web",
    "0::/lxc.payload.web/system.slice/x.service,             web",
    "0::/lxc/web/init.scope,                                 web",
    "8:cpu:/lxc/web;1:name=systemd:/,                        web",
    "1:name=systemd:/machine.slice/machine-web.scope,        web",
    "0::/system.slice/docker-ID.scope,                       ''",
    "0::/system.slice/x.service,                             ''",
    "0::/,                                                   ''"
  })
  void knowsLastingNames(String rows, String name) {
    assertEquals(name, group(rows).containerName());
  }

  /** As nft prints them: below /sys/fs/cgroup, or a number where the group has ended. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          system.slice/nginx.service                             | nginx.service
          unified/system.slice/x.service                         | x.service
          system.slice/cups.socket                               | cups.socket
          system.slice/system-getty.slice/getty@tty1.service     | getty@*.service
          init.scope                                             | init.scope
          system.slice                                           | ~~
          user.slice/user-1000.slice                             | ~~
          4711                                                   | ~~
          ~~                                                     | ~~
          /                                                      | ~~
          # sessions and the programs of users
          user.slice/user-1000.slice/session-12.scope            | session-*.scope
          user.slice/user-1000.slice/session-c3.scope            | session-*.scope
          user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-1234.scope | user@*.service/app-gnome-firefox-*.scope
          user@1000.service/app.slice/dbus.service               | user@*.service/dbus.service
          # instances
          system.slice/system-sshd.slice/sshd@3-192.0.2.1:22-198.51.100.9:4711.service | sshd@*.service
          system.slice/sshd@4-[2001:db8::1]:22-[2001:db8::2]:9.service | sshd@*.service
          system.slice/system-postgresql.slice/postgresql@15-main.service | postgresql@*.service
          # transient units
          system.slice/run-u12.service                           | run-*.service
          system.slice/run-r0123abcd.scope                       | run-*.scope
          system.slice/run-p1234-i5678.service                   | run-*.service
          system.slice/prerun-x.service                          | prerun-x.service
          # containers
          system.slice/docker-ID.scope                           | container *
          docker/ID                                              | container *
          kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope | container *
          machine.slice/libpod-ID.scope/container                | container *
          docker/ID/system.slice/x.service                       | container */x.service
          lxc.payload.web1/system.slice/x.service                | container web1/x.service
          machine.slice/machine-web1.scope/payload/init.scope    | machine-web1.scope/init.scope
          # any characters but a newline, which the kernel refuses
          system.slice/a\\te\\rf.service                           | a\\te\\rf.service
          system.slice/a:b \\e[1m.service                         | a:b \\e[1m.service
          """)
  void dropsWhatTheNextRunHasNot(String path, String unit) {
    assertEquals(unescape(unit), ControlGroup.lastingUnit(unescape(path)));
  }

  private static String unescape(String text) {
    return text.replace("ID", ID).replace("\\t", "\t").replace("\\r", "\r").replace("\\e", "\033");
  }

  private static ControlGroup group(String rows) {
    return new ControlGroup(rows.replace(';', '\n').replace("ID", ID) + "\n");
  }
}
