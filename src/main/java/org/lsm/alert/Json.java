package org.lsm.alert;

import static org.lsm.snapshot.Untrusted.escape;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Collection;
import java.util.Locale;
import java.util.function.Function;
import org.lsm.snapshot.Diff.Difference;
import org.lsm.snapshot.Diff.Kind;
import org.lsm.snapshot.Endpoint;
import org.lsm.snapshot.Flag;
import org.lsm.snapshot.Holder;
import org.lsm.snapshot.Owner;
import org.lsm.snapshot.Snapshot;
import org.lsm.snapshot.SocketEntry;
import org.lsm.snapshot.Story;
import org.lsm.snapshot.Story.ProcessStory;

/**
 * Reports and listings for programs. The names of the fields are a promise; times are RFC 3339 in
 * UTC; strings are escaped as they are for people, for not every name on a host is Unicode.
 */
public final class Json {

  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private Json() {}

  /** A report: what differs, with all that could be told of it. */
  public static String of(Report report) {
    JsonObject json = origin(report.after());
    json.addProperty("baseline_time", report.before().origin().time().toString());
    for (Kind kind : Kind.values()) {
      json.addProperty(kind.name().toLowerCase(Locale.ROOT), report.diff().count(kind));
    }
    json.add("differences", array(report.diff().differences(), it -> difference(it, report)));
    json.add("notes", strings(report.notes()));
    return GSON.toJson(json) + "\n";
  }

  /** A listing: the sockets with their owners. */
  public static String of(Listing listing) {
    JsonObject json = origin(listing.snapshot());
    json.add(
        "sockets",
        array(
            listing.snapshot().sockets().values(),
            entry -> {
              JsonObject socket = endpoint(entry.endpoint());
              socket.add("owners", array(entry.owners(), Json::owner));
              socket.add("processes", array(entry.holders(), Json::holder));
              socket.addProperty("ignored_by_line", listing.ignoredBy().get(entry.endpoint()));
              return socket;
            }));
    json.add("notes", strings(listing.notes()));
    return GSON.toJson(json) + "\n";
  }

  private static JsonObject origin(Snapshot snapshot) {
    JsonObject json = new JsonObject();
    json.addProperty("host", escape(snapshot.origin().host()));
    json.addProperty("kernel", escape(snapshot.origin().kernel()));
    json.addProperty("time", snapshot.origin().time().toString());
    json.addProperty("lsm", snapshot.origin().version());
    return json;
  }

  private static JsonObject difference(Difference difference, Report report) {
    Story story = report.stories().getOrDefault(difference.endpoint(), Story.UNTOLD);
    JsonObject json = new JsonObject();
    json.addProperty("kind", difference.kind().name());
    endpoint(difference.endpoint()).asMap().forEach(json::add);
    json.addProperty("service", escape(story.service()));
    json.add("owners_before", owners(difference, Kind.NEW, difference.before()));
    json.add("owners", owners(difference, Kind.GONE, difference.after()));
    json.add("flags", array(story.flags(), Json::flag));
    json.add("peers", strings(story.peers()));
    json.add("pids", array(difference.after().holders(), it -> new JsonPrimitive(it.pid())));
    json.add("processes", array(story.processes(), Json::process));
    return json;
  }

  /** The owners on one side of a difference, on which a difference of one kind has none. */
  private static JsonArray owners(Difference difference, Kind none, SocketEntry side) {
    return difference.kind() == none ? new JsonArray() : array(side.owners(), Json::owner);
  }

  private static JsonObject endpoint(Endpoint endpoint) {
    JsonObject json = new JsonObject();
    json.addProperty("socket", escape(endpoint.toString()));
    json.addProperty("netns", escape(endpoint.netns()));
    json.addProperty("protocol", endpoint.protocol().label());
    json.addProperty("address", escape(endpoint.address()));
    json.addProperty("port", endpoint.port());
    return json;
  }

  private static JsonObject owner(Owner owner) {
    JsonObject json = new JsonObject();
    json.addProperty("user", escape(owner.user()));
    json.addProperty("program", escape(owner.program()));
    return json;
  }

  private static JsonObject holder(Holder holder) {
    JsonObject json = owner(holder.owner());
    json.addProperty("pid", holder.pid());
    json.addProperty("start_time", holder.startTime().toString());
    return json;
  }

  private static JsonObject process(ProcessStory story) {
    JsonObject json = holder(story.holder());
    json.addProperty("command_line", escape(story.commandLine()));
    json.addProperty("working_directory", escape(story.workingDirectory()));
    json.addProperty("unit", escape(story.unit()));
    json.add("parents", array(story.parents(), Json::holder));
    json.add("flags", array(story.flags(), Json::flag));
    return json;
  }

  private static JsonElement flag(Flag flag) {
    return new JsonPrimitive(flag.name().toLowerCase(Locale.ROOT));
  }

  private static JsonArray strings(Collection<String> values) {
    return array(values, value -> new JsonPrimitive(escape(value)));
  }

  private static <T> JsonArray array(Collection<T> values, Function<T, JsonElement> each) {
    JsonArray array = new JsonArray();
    values.forEach(value -> array.add(each.apply(value)));
    return array;
  }
}
