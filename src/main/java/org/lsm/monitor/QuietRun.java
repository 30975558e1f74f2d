package org.lsm.monitor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.lsm.config.Config;
import org.lsm.config.RuleFiles;
import org.lsm.proc.KernelInfo;
import org.lsm.proc.OwnerProcesses;
import org.lsm.proc.WatchedRows;
import org.lsm.storage.AtomicFile;
import org.lsm.storage.FileLock;
import org.lsm.storage.SecureFiles;
import org.lsm.storage.StateDirectory;

/**
 * Ends a run of cron early. The last compare found no difference and stored, as bytes in the file
 * {@code quiet-run}, all that it depended on: the sockets, the processes that own them, the rules,
 * the configuration, the baseline and other state. If all of it is the same, this compare would
 * find none either. Nothing is parsed. In any other case the run compares as usual.
 */
public final class QuietRun {
  private static final long TIMEOUT = 10_000; // ms
  private static final String KIND = "lsm-quiet-run 1 " + Version.VERSION;
  private static final String STATE_DIR = "\nSTATE_DIR=";
  private static final byte[] PROCESSES =
      "processes\n".getBytes(ISO_8859_1); // the line before them
  private static final long HOUR = 3_600_000; // ms

  /** Files in the state directory that each run may write. */
  private static final List<String> VOLATILE = List.of("lock", StateDirectory.QUIET_RUN);

  /** Its files that mean work for the next run, such as a table that is still to be removed. */
  private static final List<String> UNFINISHED =
      List.of(StateDirectory.SENTRY_STATE, StateDirectory.OUTBOUND_STATE, StateDirectory.STUCK_RUN);

  private final Path configFile;
  private final Path proc;
  private final Path passwd;
  private Path directory; // null until it is known
  private byte[] inputs; // null until they are known

  /** A run with a configuration; takes the mount point of /proc and a passwd(5) file. */
  public QuietRun(Path configFile, Path proc, Path passwd) {
    this.configFile = configFile;
    this.proc = proc;
    this.passwd = passwd;
  }

  public Path configFile() {
    return configFile;
  }

  /**
   * Whether there is nothing to report. If so, the time of the compare is stored. Any doubt is
   * answered with no: then the compare finds out, and says what is wrong.
   *
   * @param began the time, in milliseconds since 1970
   */
  public boolean isQuiet(long began) {
    try {
      byte[] config = SecureFiles.read(configFile);
      directory = stateDirectory(new String(config, ISO_8859_1));
      SecureFiles.requireRootOnly(directory);
      inputs = inputs(began, config);
      byte[] stored = AtomicFile.read(directory.resolve(StateDirectory.QUIET_RUN));
      if (!isPrefix(inputs, stored)) { // it may be the directory of another configuration
        return false;
      }
      try (FileChannel lock = FileLock.tryTake(directory.resolve("lock"))) {
        File time = directory.resolve(StateDirectory.LAST_COMPARE).toFile();
        return lock != null && isSame(stored) && time.setLastModified(began);
      }
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      return false;
    }
  }

  /** Where the state is likely to be: a wrong answer finds no state of this configuration. */
  private static Path stateDirectory(String config) {
    int start = ("\n" + config).lastIndexOf(STATE_DIR);
    if (start < 0) {
      return Path.of(Config.DEFAULT_STATE_DIRECTORY);
    }
    int value = start + STATE_DIR.length() - 1;
    int end = config.indexOf('\n', value);
    String rest = config.substring(value, end < 0 ? config.length() : end);
    return Path.of(rest.startsWith("\"") ? rest.substring(1, rest.indexOf('"', 1)) : rest.trim());
  }

  /** The files and settings that a compare reads, by their checksums. */
  private byte[] inputs(long now, byte[] config) throws IOException {
    KernelInfo kernel = new KernelInfo(proc);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    add(bytes, KIND, configFile.toString(), directory.toString());
    // As long as an owner cache is valid, see SocketScanner.
    add(bytes, kernel.bootId(), kernel.capabilities(), Long.toString(now / HOUR));
    addChecksum(bytes, configFile, config);
    for (Path rules : RuleFiles.beside(configFile)) {
      addChecksum(bytes, rules, SecureFiles.read(rules));
    }
    for (Path file :
        List.of(
            directory.resolve(StateDirectory.BASELINE),
            directory.resolve(StateDirectory.ALERT_STATE),
            directory.resolve(StateDirectory.PROGRAM_CACHE),
            passwd,
            proc.resolve("sys/net/ipv4/ip_local_port_range"),
            proc.resolve("sys/net/ipv4/ip_local_reserved_ports"),
            proc.resolve("net/if_inet6"))) {
      addChecksum(bytes, file);
    }
    return bytes.toByteArray();
  }

  private static void addChecksum(ByteArrayOutputStream bytes, Path file, byte[] content) {
    CRC32 checksum = new CRC32();
    checksum.update(content);
    add(bytes, file.toString(), Integer.toString(content.length), checksum.getValue() + "");
  }

  /** Adds a file by its checksum; a missing one is empty. A pipe would keep the run waiting. */
  private static void addChecksum(ByteArrayOutputStream bytes, Path file) throws IOException {
    if (!Files.isRegularFile(file) && Files.exists(file)) {
      throw new IOException(file + ": is not a regular file");
    }
    CRC32 checksum = new CRC32();
    int size = 0;
    byte[] buffer = new byte[8192]; // some files of /proc answer the first read(2) only
    try (InputStream in = new FileInputStream(file.toFile())) {
      for (int length = in.read(buffer); length > 0; length = in.read(buffer)) {
        checksum.update(buffer, 0, length);
        size += length;
      }
    } catch (FileNotFoundException e) {
      // it does not exist; or the compare reports that it cannot be read
    }
    add(bytes, file.toString(), Integer.toString(size), checksum.getValue() + "");
  }

  private static void add(ByteArrayOutputStream bytes, String... fields) {
    for (String field : fields) {
      bytes.writeBytes(field.getBytes(UTF_8));
      bytes.write('\n');
    }
  }

  /** The names in a directory: a file that appears or goes may matter to a compare. */
  private static void addNames(ByteArrayOutputStream bytes, File directory) {
    String[] names = directory.list();
    List<String> sorted = new ArrayList<>(names == null ? List.of() : Arrays.asList(names));
    sorted.removeAll(VOLATILE);
    sorted.sort(null);
    add(bytes, directory.getPath());
    add(bytes, sorted.toArray(new String[0]));
  }

  /** What a run may write: the owner cache, and the names of files. */
  private byte[] state() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    addChecksum(bytes, directory.resolve(StateDirectory.OWNER_CACHE));
    addNames(bytes, directory.toFile());
    addNames(bytes, directory.resolve("outbox").toFile());
    return bytes.toByteArray();
  }

  /** Compares what was stored with what is there now; a table may keep a reader waiting. */
  private boolean isSame(byte[] stored) throws IOException {
    ByteArrayOutputStream now = new ByteArrayOutputStream();
    now.writeBytes(inputs);
    now.writeBytes(state());
    if (!isPrefix(now.toByteArray(), stored)) {
      return false;
    }
    Reader reader = new Reader(now, stored);
    reader.start();
    try {
      reader.join(TIMEOUT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return reader.isSame;
  }

  private static boolean isPrefix(byte[] bytes, byte[] stored) {
    return bytes.length <= stored.length
        && Arrays.equals(bytes, 0, bytes.length, stored, 0, bytes.length);
  }

  /** Reads the sockets and processes. */
  private final class Reader extends Thread {
    private final ByteArrayOutputStream now;
    private final byte[] stored;
    private volatile boolean isSame;

    Reader(ByteArrayOutputStream now, byte[] stored) {
      super("quiet-run");
      setDaemon(true);
      this.now = now;
      this.stored = stored;
    }

    @Override
    public void run() {
      try {
        WatchedRows.append(proc, now);
        now.writeBytes(PROCESSES);
        if (isPrefix(now.toByteArray(), stored)) {
          OwnerProcesses.append(proc, stored, now.size(), now);
          isSame = Arrays.equals(now.toByteArray(), stored);
        }
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        // the compare reports it
      }
    }
  }

  /**
   * Stores what a compare depended on, if that is known. It has found no difference, and no alert
   * is active or waits. A failure costs the next run its time only.
   */
  void store(Config config, BaselineComparison comparison, long now) {
    String rows = comparison.scans().rows();
    if (inputs == null
        || rows.length() >= WatchedRows.MAX_SIZE
        || !dependsOnInputs(config)
        || !comparison.dependsOnScanOnly()) {
      return;
    }
    Path file = directory.resolve(StateDirectory.QUIET_RUN);
    try {
      if (!Arrays.equals(inputs, inputs(now, SecureFiles.read(configFile)))) {
        return; // something has changed since the run began
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.writeBytes(inputs);
      bytes.writeBytes(state());
      bytes.writeBytes(rows.getBytes(ISO_8859_1));
      bytes.writeBytes(PROCESSES);
      OwnerProcesses.append(proc, passwd, comparison.scans().ownerCache(), bytes);
      AtomicFile.overwrite(file, bytes.toByteArray());
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      // the next run compares as this one did
    }
  }

  /** Whether a run with this configuration reads and writes nothing else. */
  private boolean dependsOnInputs(Config config) {
    for (String name : UNFINISHED) {
      if (Files.exists(directory.resolve(name))) {
        return false;
      }
    }
    return config.stateDirectory().equals(directory)
        && !config.allNetworkNamespaces()
        && config.sentry() == Config.SentryMode.OFF
        && config.outbound() == Config.OutboundMode.OFF
        && config.alertmanagerUrls().isEmpty()
        && config.metricsFile().isEmpty();
  }
}
