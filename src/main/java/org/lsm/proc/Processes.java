package org.lsm.proc;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.lsm.snapshot.Untrusted;

/** The processes under a /proc: what proc(5) tells of each, as long as it lives. */
final class Processes {

  /** Clock ticks a second in what the kernel tells programs (USER_HZ): 100 on all that run Java. */
  private static final long TICKS_PER_SECOND = 100;

  private static final String DELETED = " (deleted)";

  private static final String UNREADABLE = "(program with an unreadable path)";

  private final Path proc;

  Processes(Path proc) {
    this.proc = proc;
  }

  /** The process IDs there are. */
  List<Integer> pids() throws IOException {
    List<Integer> pids = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[0-9]*")) {
      for (Path entry : entries) {
        pids.add(Integer.valueOf(entry.getFileName().toString()));
      }
    }
    return pids;
  }

  Path directory(int pid) {
    return proc.resolve(Integer.toString(pid));
  }

  /** Start of the process, in clock ticks after boot: field 22 of {@code stat}. */
  long startTicks(int pid) throws IOException {
    String stat = read(directory(pid).resolve("stat"));
    // The name in parentheses is the process's own choice and may hold parentheses and spaces.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).trim().split(" ", -1);
    if (fields.length < 20) {
      throw new IOException(directory(pid).resolve("stat") + ": no start time in '" + stat + "'");
    }
    return parse(fields[19], directory(pid).resolve("stat"));
  }

  /** Effective user ID of the process: second number of {@code Uid:} in {@code status}. */
  long effectiveUid(int pid) throws IOException {
    Path status = directory(pid).resolve("status");
    String ids = lineOf(status, "Uid:").trim();
    return parse(ids.replaceFirst("\\d+\\s+(\\d+).*", "$1"), status);
  }

  /**
   * Path of the executable, without the mark of one that was deleted since: to upgrade a program is
   * no change of hands.
   */
  String program(int pid) throws IOException {
    Path exe = directory(pid).resolve("exe");
    try {
      String target = Untrusted.decode(linkTarget(exe));
      boolean deleted = target.endsWith(DELETED) && !Files.exists(Files.readSymbolicLink(exe));
      return deleted ? target.substring(0, target.length() - DELETED.length()) : target;
    } catch (AccessDeniedException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      // Longer than a page (ENAMETOOLONG): it holds its sockets all the same.
      return UNREADABLE;
    }
  }

  /** The moment that is so many ticks after boot. */
  Instant time(long ticks) throws IOException {
    Path stat = proc.resolve("stat");
    long boot = parse(lineOf(stat, "btime").trim(), stat);
    return Instant.ofEpochSecond(boot).plusMillis(ticks * 1000 / TICKS_PER_SECOND);
  }

  /** The bytes a symbolic link points to: java.nio would replace those that are no text. */
  private static byte[] linkTarget(Path link) throws IOException {
    Path target = Files.readSymbolicLink(link);
    String text = target.toString();
    if (text.indexOf('\uFFFD') < 0) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    // A URI of a path has its bytes, percent-encoded.
    return URLDecoder.decode(
            target.toUri().getRawPath().replace("+", "%2B"), StandardCharsets.ISO_8859_1)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String lineOf(Path file, String key) throws IOException {
    // At newlines only: a process may have put a carriage return and a line into its name.
    return Stream.of(read(file).split("\n", -1))
        .filter(line -> line.startsWith(key))
        .map(line -> line.substring(key.length()))
        .findFirst()
        .orElseThrow(() -> new IOException(file + ": has no line '" + key + "'"));
  }

  private static long parse(String number, Path file) throws IOException {
    try {
      return Long.parseLong(number);
    } catch (NumberFormatException e) {
      throw new IOException(file + ": no number: '" + number + "'", e);
    }
  }

  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }
}
