package org.lsm.alert;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.lsm.model.TextEscaper;
import org.lsm.report.Json;
import org.lsm.report.ReportDocument;
import org.lsm.storage.AtomicFile;

/**
 * The content of a file of the outbox.
 *
 * @param served the recipients that already have the alert, as the channel names them
 * @param failure why the last try failed, escaped; empty before the first
 * @param overflow the alerts that this one stands for; null if it stands for itself
 */
record OutboxEntry(SortedSet<String> served, String failure, Overflow overflow, Alert alert) {

  private static final int MAX_NAMED = 200;

  /**
   * The alerts that found no room in the outbox.
   *
   * @param named time and summary of the first of them, escaped
   */
  record Overflow(int count, Instant first, Instant last, List<String> named) {

    Overflow {
      Stream.of(first, last).forEach(Objects::requireNonNull);
      named = List.copyOf(named);
    }
  }

  /** Refuses an incomplete entry, which a damaged file may hold. */
  OutboxEntry {
    served = new TreeSet<>(List.copyOf(served)); // which refuses null
    Stream.of(failure, alert).forEach(Objects::requireNonNull);
  }

  OutboxEntry(Alert alert) {
    this(new TreeSet<>(), "", null, alert);
  }

  static OutboxEntry read(Path file) throws IOException {
    return Json.read(new String(AtomicFile.read(file), StandardCharsets.UTF_8), OutboxEntry.class);
  }

  void write(Path file) throws IOException {
    AtomicFile.write(file, Json.print(this).getBytes(StandardCharsets.UTF_8));
  }

  OutboxEntry failed(DeliveryException e) {
    SortedSet<String> all = new TreeSet<>(served);
    all.addAll(e.served());
    return new OutboxEntry(all, TextEscaper.escape(e.getMessage()), overflow, alert);
  }

  /** Whether only numbers differ, such as queue IDs or seconds to wait. */
  boolean failedLike(OutboxEntry other) {
    return served.equals(other.served)
        && failure.replaceAll("\\d+", "#").equals(other.failure.replaceAll("\\d+", "#"));
  }

  /**
   * An entry that stands for one more alert. It goes to all recipients, because it is a new one.
   */
  OutboxEntry fold(Alert added) {
    Overflow before =
        overflow == null ? new Overflow(0, added.time(), added.time(), List.of()) : overflow;
    List<String> named = new ArrayList<>(before.named);
    if (named.size() < MAX_NAMED) {
      named.add(added.time() + " " + added.summary());
    }
    Overflow next = new Overflow(before.count + 1, before.first, added.time(), named);
    return new OutboxEntry(new TreeSet<>(), failure, next, alert(next, added));
  }

  private static Alert alert(Overflow overflow, Alert last) {
    List<Map.Entry<String, String>> facts = new ArrayList<>();
    overflow.named.forEach(it -> facts.add(Map.entry("Alert", it)));
    if (overflow.count > overflow.named.size()) {
      facts.add(Map.entry("Alert", "… and " + (overflow.count - overflow.named.size()) + " more"));
    }
    facts.add(Map.entry("First", overflow.first.toString()));
    facts.add(Map.entry("Last", overflow.last.toString()));
    facts.add(Map.entry("Reason", "too many alerts wait for this channel; see lsm status"));
    String headline =
        last.host() + ": " + overflow.count + " more alerts, which are not sent one by one";
    JsonArray named = new JsonArray();
    overflow.named.forEach(named::add);
    JsonObject json = new JsonObject();
    json.addProperty("host", last.host());
    json.addProperty("time", overflow.last.toString());
    json.addProperty("count", overflow.count);
    json.addProperty("first_time", overflow.first.toString());
    json.add("alerts", named);
    ReportDocument document = ReportDocument.of(headline, facts);
    int length = last.subject().length() - last.type().suffix().length();
    String subject = last.subject().substring(0, length);
    return Alert.of(AlertType.OVERFLOW, last.time(), last.host(), document, subject, json);
  }
}
