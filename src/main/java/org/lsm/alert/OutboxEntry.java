package org.lsm.alert;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import org.lsm.model.Plural;
import org.lsm.model.TextEscaper;
import org.lsm.report.Json;
import org.lsm.report.ReportDocument;
import org.lsm.storage.AtomicFile;

/**
 * The content of a file of the outbox.
 *
 * @param served the recipients that already have the alert, as the channel names them
 * @param failure why the last try failed, escaped; empty before the first
 * @param folded the number of alerts that this one stands for; 0 if it stands for itself
 * @param named time and summary of the first of them, escaped
 */
record OutboxEntry(
    SortedSet<String> served, String failure, int folded, List<String> named, Alert alert) {
  private static final int MAX_NAMED = 200;

  /** Refuses an incomplete entry, which a damaged file may hold. */
  OutboxEntry {
    served = new TreeSet<>(List.copyOf(served)); // which refuses null
    named = List.copyOf(named);
    Objects.requireNonNull(failure);
    Objects.requireNonNull(alert);
  }

  OutboxEntry(Alert alert) {
    this(new TreeSet<>(), "", 0, List.of(), alert);
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
    return new OutboxEntry(all, TextEscaper.escape(e.getMessage()), folded, named, alert);
  }

  /** Whether only numbers differ, such as queue IDs or seconds to wait. */
  boolean failedLike(OutboxEntry other) {
    return served.equals(other.served)
        && failure.replaceAll("\\d+", "#").equals(other.failure.replaceAll("\\d+", "#"));
  }

  /** An entry that stands for one more alert. It goes to all recipients, as it is a new one. */
  OutboxEntry fold(Alert added) {
    List<String> all = new ArrayList<>(named);
    if (all.size() < MAX_NAMED) {
      all.add(added.time() + " " + added.summary());
    }
    Alert overflow = overflow(folded + 1, all, added);
    return new OutboxEntry(new TreeSet<>(), failure, folded + 1, all, overflow);
  }

  private static Alert overflow(int count, List<String> named, Alert last) {
    List<Map.Entry<String, String>> facts = new ArrayList<>();
    JsonArray alerts = new JsonArray();
    named.forEach(it -> facts.add(Map.entry("Alert", it)));
    named.forEach(alerts::add);
    if (count > named.size()) {
      facts.add(Map.entry("Alert", "… and " + (count - named.size()) + " more"));
    }
    String first = named.get(0).replaceFirst(" .*", "");
    facts.add(Map.entry("First", first));
    facts.add(Map.entry("Last", last.time().toString()));
    facts.add(Map.entry("Reason", "too many alerts wait for this channel; see lsm status"));
    JsonObject json = new JsonObject();
    json.addProperty("host", last.host());
    json.addProperty("time", last.time().toString());
    json.addProperty("count", count);
    json.addProperty("first_time", first);
    json.add("alerts", alerts);
    String outcome = Plural.count(count, "more alert") + " not sent one by one";
    ReportDocument document = ReportDocument.of(last.host() + ": " + outcome, facts);
    Alert alert = Alert.of(AlertType.OVERFLOW, document, json);
    return alert.withSubject(last.subjectFor(AlertType.OVERFLOW, outcome));
  }
}
