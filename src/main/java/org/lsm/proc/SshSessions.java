package org.lsm.proc;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Finds the hosts from which users are logged in by ssh(1). */
public final class SshSessions {
  private static final Pattern SSHD = Pattern.compile(".*/sshd(-session)?( \\(deleted\\))?");
  private static final String NO_LOGIN = "4294967295"; // (uid_t) -1
  private static final int ESTABLISHED = 1;

  private SshSessions() {}

  /**
   * Returns the remote addresses of established connections that sshd(8) holds as root for a user
   * who has logged in. Connections from before the login have no login UID, see pam_loginuid(8).
   */
  public static SortedSet<String> clients(Path proc) throws IOException {
    Set<String> sockets = new HashSet<>();
    for (Path process : ProcFile.list(proc)) {
      try {
        if (process.getFileName().toString().matches("\\d+") && isSession(process)) {
          addLinks(sockets, process.resolve("fd"));
        }
      } catch (IOException e) {
        // a thread of the kernel, or one that has ended
      }
    }
    SortedSet<String> clients = new TreeSet<>();
    if (!sockets.isEmpty()) {
      addClients(clients, proc.resolve("net/tcp"), 1, sockets);
      addClients(clients, proc.resolve("net/tcp6"), 4, sockets);
    }
    return clients;
  }

  private static void addLinks(Set<String> to, Path descriptors) throws IOException {
    for (Path descriptor : ProcFile.list(descriptors)) {
      try {
        to.add(Files.readSymbolicLink(descriptor).toString());
      } catch (IOException e) {
        // closed meanwhile
      }
    }
  }

  private static boolean isSession(Path process) throws IOException {
    return SSHD.matcher(Files.readSymbolicLink(process.resolve("exe")).toString()).matches()
        && ProcFile.readLine(process.resolve("status"), "Uid:").matches("\t\\d+\t0\t.*")
        && !ProcFile.read(process.resolve("loginuid")).strip().equals(NO_LOGIN);
  }

  /** Adds the remote ends of these sockets, addresses of so many words. */
  private static void addClients(Set<String> to, Path file, int words, Set<String> sockets)
      throws IOException {
    ProcFile.readRows(
        file,
        row -> {
          String remote = row.skip(2).next().split(":", 2)[0];
          boolean isEstablished = row.number(16, 0xFF) == ESTABLISHED;
          if (sockets.contains("socket:[" + row.skip(5).next() + "]") && isEstablished) {
            to.add(ProcNetAddress.ofWords(remote, words, ByteOrder.nativeOrder()));
          }
        });
  }
}
