package org.lsm.channel;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.lsm.alert.ActiveAlert;
import org.lsm.alert.DeliveryException;
import org.lsm.alert.DeliveryException.FailureKind;
import org.lsm.alert.FiringAlerts;
import org.lsm.alert.FiringAlerts.PostableAlert;
import org.lsm.alert.History;
import org.lsm.config.Config;
import org.lsm.model.ErrorMessages;
import org.lsm.model.HostInfo;
import org.lsm.model.Sha256;
import org.lsm.model.TextEscaper;
import org.lsm.report.Json;
import org.lsm.storage.ChecksummedText;
import org.lsm.storage.FileLock;
import org.lsm.storage.StateDirectory;

/**
 * The nodes of an Alertmanager cluster. Not a {@link org.lsm.alert.Channel}: it takes the state of
 * what fires, as a whole and at every compare, so nothing waits in the outbox for it.
 *
 * @param warn receives escaped messages
 */
public record Alertmanager(Config config, MailSystem mail, History history, Consumer<String> warn) {
  public static final String NAME = "alertmanager";

  private static final String KIND = "lsm-alertmanager-nodes";
  private static final String FORMAT = "1";
  private static final int MAX_BATCH = 256; // alerts of a request, as Prometheus sends them
  private static final Duration NODE_TIMEOUT = Duration.ofSeconds(25); // for all requests
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration TEST_VALIDITY = Duration.ofMinutes(5);

  /**
   * What became of the last posts to a node.
   *
   * @param accepted the time of the newest state that it has accepted
   * @param failure why it did not accept the last one, escaped; else empty
   * @param rejected the digests of the requests that it would reject again
   */
  public record Node(String url, Instant accepted, String failure, SortedSet<String> rejected) {
    Node failed(String why) {
      return new Node(url, accepted, why, rejected);
    }
  }

  /** Stores the alerts of a run; {@code compared} is false if it could not scan the sockets. */
  @SuppressWarnings("try") // the lock is only held
  public void store(List<ActiveAlert> active, boolean compared, HostInfo run) throws IOException {
    Path file = file(StateDirectory.ALERTMANAGER_STATE);
    try (FileChannel lock = lock(StateDirectory.ALERTMANAGER_STATE)) {
      FiringAlerts before = read();
      boolean isKnown = before.host().equals(run.host());
      String instance = isKnown ? before.instance() : mail.instance(run.host());
      SortedMap<String, String> common = common(instance);
      FiringAlerts next =
          new FiringAlerts(run.host(), instance, before.time(), before.firing(), before.resolved())
              .next(
                  active.stream().map(it -> it.with(common)).toList(),
                  compared,
                  nodes().stream().map(Node::accepted).min(Instant::compareTo).orElseThrow(),
                  run.time());
      if (next.isEmpty()) {
        Files.deleteIfExists(file);
      } else {
        next.write(file);
      }
    }
  }

  /** Whether there is a state that no node has accepted yet. */
  public boolean isPending() throws IOException {
    FiringAlerts state = read();
    return !state.isEmpty() && nodes().stream().noneMatch(it -> it.accepted().equals(state.time()));
  }

  /** Posts the newest state to each node; a quiet run reports only failures that are new. */
  @SuppressWarnings("try") // the lock is only held
  public void post(boolean quiet) {
    // Two processes must not post an old state after a new one.
    try (FileChannel lock = lock(StateDirectory.ALERTMANAGER_NODES)) {
      FiringAlerts state = read();
      if (state.isEmpty()) {
        return;
      }
      List<Node> before = nodes();
      List<Node> after = postToAll((client, node) -> post(client, node, state));
      write(after);
      report(before, after, quiet);
    } catch (FileLock.HeldException e) {
      // That process posts, or the next run does.
    } catch (IOException e) {
      warn("what Alertmanager has accepted cannot be stored", e);
    }
  }

  /** Posts a test alert that soon ends to each node; returns them with their failures. */
  @SuppressWarnings("try") // the lock is only held
  public List<Node> test(HostInfo run) throws IOException {
    SortedMap<String, String> labels = common(mail.instance(run.host()));
    labels.putAll(Map.of("alertname", "LsmTest", "severity", "low"));
    SortedMap<String, String> annotations =
        new TreeMap<>(Map.of("summary", "lsm test-alert was run; nothing was compared"));
    Instant end = run.time().plus(TEST_VALIDITY);
    var alerts = List.of(new PostableAlert(labels, annotations, run.time(), end));
    try (FileChannel lock = lock(StateDirectory.ALERTMANAGER_NODES)) {
      List<Node> after =
          postToAll(
              (client, node) -> {
                client.post(node.url(), alerts);
                return new Node(node.url(), node.accepted(), "", new TreeSet<>());
              });
      write(after);
      return after;
    }
  }

  private SortedMap<String, String> common(String instance) {
    SortedMap<String, String> labels = new TreeMap<>(config.alertmanagerLabels());
    labels.put("instance", instance);
    return labels;
  }

  /** Posts to a node, and returns its new state. */
  private interface Poster {
    Node post(AlertmanagerClient client, Node node) throws DeliveryException;
  }

  private List<Node> postToAll(Poster poster) {
    try {
      AlertmanagerClient client = AlertmanagerClient.of(config, mail.authorities());
      List<CompletableFuture<Node>> running = new ArrayList<>();
      for (Node node : nodes()) {
        String late = ": it took longer than 25 s; the next run tries again";
        running.add(
            CompletableFuture.supplyAsync(
                    () -> tried(poster, client, node), ExternalCommand::startDaemon)
                .completeOnTimeout(
                    node.failed("Alertmanager " + node.url() + late),
                    NODE_TIMEOUT.toSeconds(),
                    TimeUnit.SECONDS));
      }
      return running.stream().map(CompletableFuture::join).toList();
    } catch (DeliveryException e) {
      return nodes().stream().map(it -> it.failed(TextEscaper.escape(e.getMessage()))).toList();
    }
  }

  private static Node tried(Poster poster, AlertmanagerClient client, Node node) {
    try {
      return poster.post(client, node);
    } catch (DeliveryException e) {
      return node.failed(TextEscaper.escape(e.getMessage()));
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      String problem =
          "Alertmanager " + node.url() + ": its answer cannot be read; check what runs";
      return node.failed(problem + " there");
    }
  }

  /** Posts a state in parts. A part that the node would reject again is left out. */
  private static Node post(AlertmanagerClient client, Node node, FiringAlerts state)
      throws DeliveryException {
    SortedSet<String> rejected = new TreeSet<>();
    String failure = "";
    List<PostableAlert> all = state.postable();
    for (int i = 0; i < all.size(); i += MAX_BATCH) {
      List<PostableAlert> batch = all.subList(i, Math.min(i + MAX_BATCH, all.size()));
      String digest = digest(batch, state.time());
      try {
        if (node.rejected().contains(digest)) {
          failure = node.failure();
          rejected.add(digest);
        } else {
          client.post(node.url(), batch);
        }
      } catch (DeliveryException e) {
        if (e.kind() != FailureKind.REJECTED) {
          throw e;
        }
        failure = TextEscaper.escape(e.getMessage());
        rejected.add(digest);
      }
    }
    Instant accepted = rejected.isEmpty() ? state.time() : node.accepted();
    return new Node(node.url(), accepted, failure, rejected);
  }

  /**
   * Identifies what a node may reject: the labels, and which alerts are resolved. It changes twice
   * a day: the node has stored the valid ones of the request, and they have to stay active.
   */
  private static String digest(List<PostableAlert> batch, Instant time) {
    List<?> alerts = batch.stream().map(it -> List.of(it.labels(), it.startsAt() == null)).toList();
    return Sha256.of(time.truncatedTo(ChronoUnit.HALF_DAYS) + Json.line(alerts));
  }

  private void report(List<Node> before, List<Node> after, boolean quiet) {
    Set<String> warned = new HashSet<>(); // one failure may concern all nodes
    for (int i = 0; i < after.size(); i++) {
      String was = before.get(i).failure();
      String is = after.get(i).failure();
      boolean isNew = !is.isEmpty() && !withoutNumbers(is).equals(withoutNumbers(was));
      if ((isNew || (!quiet && !is.isEmpty())) && warned.add(is)) {
        warn.accept(is);
      }
      if (isNew) {
        history.append("failed", is);
      } else if (is.isEmpty() && !was.isEmpty()) {
        history.append("delivered", NAME + ": accepted again by " + after.get(i).url());
      }
    }
  }

  private static String withoutNumbers(String text) {
    return text.replaceAll("\\d+", "#");
  }

  /** The configured nodes, as the last posts left them. */
  public List<Node> nodes() {
    Map<String, Node> known = new HashMap<>();
    try {
      ChecksummedText.read(file(StateDirectory.ALERTMANAGER_NODES), KIND, FORMAT).stream()
          .map(line -> Json.read(line.get(0), Node.class))
          .forEach(node -> known.put(node.url(), node));
    } catch (IOException | RuntimeException e) {
      // It costs that all is posted again, and a failure is reported again.
    }
    return config.alertmanagerUrls().stream()
        .map(url -> known.getOrDefault(url, new Node(url, Instant.EPOCH, "", new TreeSet<>())))
        .toList();
  }

  private void write(List<Node> nodes) throws IOException {
    ChecksummedText text = new ChecksummedText(KIND, FORMAT);
    nodes.forEach(it -> text.line(Json.line(it)));
    text.write(file(StateDirectory.ALERTMANAGER_NODES));
  }

  /** The stored state; an empty one if there is none. */
  private FiringAlerts read() throws IOException {
    Path file = file(StateDirectory.ALERTMANAGER_STATE);
    try {
      return FiringAlerts.read(file);
    } catch (NoSuchFileException e) {
      return FiringAlerts.NONE;
    } catch (RuntimeException e) {
      String result = "; alerts that have ended may fire there for up to 24 hours";
      warn.accept(TextEscaper.escape(file + ": " + e.getMessage() + result));
      return FiringAlerts.NONE;
    }
  }

  private FileChannel lock(String name) throws IOException {
    return FileLock.take(file(name + ".lock"), LOCK_TIMEOUT);
  }

  private Path file(String name) {
    return config.stateDirectory().resolve(name);
  }

  private void warn(String what, IOException e) {
    warn.accept(TextEscaper.escape(what + ": " + ErrorMessages.explain(e)));
  }
}
