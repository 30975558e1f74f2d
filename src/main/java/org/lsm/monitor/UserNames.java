package org.lsm.monitor;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lsm.channel.ExternalCommand;
import org.lsm.model.ErrorMessages;
import org.lsm.proc.LoginUids;
import org.lsm.proc.PasswdFile;
import org.lsm.report.Users;

/**
 * The names and numbers of users in one run: those of passwd(5), and those that only the name
 * service switch knows (nsswitch.conf(5)), which getent(1) asks. Owners have the numbers of the
 * latter.
 */
public final class UserNames implements Users {
  static final Duration TIMEOUT = Duration.ofSeconds(2); // for all questions

  private static final int MAX_NUMBERS = 20;
  private static final int MAX_OUTPUT = 4096;
  private static final String NO_ANSWER =
      "users that only the name service switch knows have no names in this run, and rules with their"
          + " names match nothing: in 2 seconds there was no answer to getent passwd ";

  private final Path passwd;
  private final Path loginDefs;
  private final Path getent;
  private final List<String> notes = new ArrayList<>();
  private final Map<String, PasswdFile> answers = new HashMap<>();
  private PasswdFile local; // read where it is needed first, as is the next
  private LoginUids logins;
  private long left;

  /** Takes passwd(5) and login.defs(5) files, and candidates for getent(1). */
  UserNames(Path passwd, Path loginDefs, List<Path> getent, Duration timeout) {
    this.passwd = passwd;
    this.loginDefs = loginDefs;
    this.getent = SystemEnvironment.installed(getent);
    this.left = timeout.toNanos();
  }

  /** Adds the name to the number of a user, {@code 4711, jdoe}, for up to 20 users. */
  @Override
  public String withName(String user) {
    if (!isNumber(user) || (answers.size() >= MAX_NUMBERS && !answers.containsKey(user))) {
      return user;
    }
    String name = query(user).names().get(Long.valueOf(user));
    return name == null ? user : user + ", " + name;
  }

  @Override
  public boolean isLogin(String user) {
    Long uid = local().uids().get(user);
    uid = uid == null && isNumber(user) ? Long.valueOf(user) : uid;
    readLoginUids();
    return uid != null && logins.contains(uid);
  }

  /** Reads login.defs(5), once. */
  void readLoginUids() {
    try {
      logins = logins == null ? LoginUids.read(loginDefs) : logins;
    } catch (IOException e) {
      logins = LoginUids.NONE;
      notes.add("no difference is low: " + ErrorMessages.explain(e));
    }
  }

  /** Returns the names and numbers that stand for the user of a rule. */
  Set<String> namesAndNumbers(String user) {
    Set<String> all = new HashSet<>(Set.of(user));
    Long uid = isNumber(user) ? Long.valueOf(user) : local().uids().get(user);
    Collection<Long> uids = uid == null ? query(user).uids().values() : List.of(uid);
    for (long it : uids) {
      all.add(local().names().getOrDefault(it, Long.toString(it)));
    }
    return all;
  }

  /** Whether the name service switch was asked. */
  boolean hasAsked() {
    return !answers.isEmpty();
  }

  /** What could not be found out, in words; not escaped. */
  List<String> notes() {
    return notes;
  }

  private PasswdFile local() {
    try {
      local = local == null ? PasswdFile.read(passwd) : local;
      return local;
    } catch (IOException e) {
      return PasswdFile.parse(""); // the scan reports it
    }
  }

  private static boolean isNumber(String user) {
    return user.matches("\\d{1,10}");
  }

  private PasswdFile query(String user) {
    return answers.computeIfAbsent(user, this::runGetent);
  }

  private PasswdFile runGetent(String user) {
    if (left <= 0 || user.startsWith("-")) {
      return PasswdFile.parse("");
    }
    ExternalCommand command = new ExternalCommand(getent, Duration.ofNanos(left), MAX_OUTPUT);
    long start = System.nanoTime();
    String answer = "";
    try {
      answer = command.run(List.of("passwd", user), new byte[0], Map.of());
    } catch (IOException e) {
      // there is no such user, or no answer in time
    }
    left -= System.nanoTime() - start;
    if (left <= 0) {
      notes.add(NO_ANSWER + user);
    }
    return PasswdFile.parse(answer);
  }
}
