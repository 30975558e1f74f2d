package org.lsm.snapshot;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What can be told of a socket at the moment it is found, and perhaps never again. Strings are
 * empty where there is nothing to tell.
 *
 * @param service name of the port in services(5)
 * @param peers up to five remote ends that are connected to it now
 * @param processes the processes behind it, one for each owner, the oldest
 * @param flags what is odd about it
 * @param origin the socket whose name it may be a part of, where its row may be forged
 * @param claimed the processes that hold the inode that such a row has, but perhaps not what it
 *     tells
 */
public record Story(
    String service,
    List<String> peers,
    List<ProcessStory> processes,
    Set<Flag> flags,
    Optional<Endpoint> origin,
    List<Holder> claimed) {

  /** A story of which nothing is known. */
  public static final Story UNTOLD =
      new Story("", List.of(), List.of(), Set.of(), Optional.empty(), List.of());

  /** The same story of a row that may be forged; see the parameters of a story. */
  public Story doubted(Endpoint origin, List<Holder> claimed, Flag doubt) {
    Story story = new Story(service, peers, processes, flags, Optional.of(origin), claimed);
    return story.with(doubt);
  }

  /** The same story with one more flag. */
  public Story with(Flag flag) {
    Set<Flag> more = EnumSet.of(flag);
    more.addAll(flags);
    return new Story(service, peers, processes, more, origin, claimed);
  }

  /**
   * What can be told of one process.
   *
   * @param holder the process
   * @param commandLine its arguments, separated by spaces
   * @param workingDirectory where it runs
   * @param unit the systemd unit or the container it belongs to
   * @param parents its parent, and so on up to PID 1
   * @param flags what is odd about it
   */
  public record ProcessStory(
      Holder holder,
      String commandLine,
      String workingDirectory,
      String unit,
      List<Holder> parents,
      Set<Flag> flags) {}
}
