package org.lsm.alert;

import java.util.Set;

/** An alert was not accepted by a channel; the message says why and how to mend it. */
public final class DeliveryException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What is to be thought of the channel. */
  enum Blame {
    /** It does not work. */
    DOWN,
    /** It came to a stop over this alert, which may be the reason. */
    STUCK,
    /** It works, but refuses this alert. */
    REFUSED
  }

  private final Blame blame;
  private final transient Set<String> served;

  /** The channel does not work. */
  DeliveryException(String message, Throwable cause) {
    this(message, cause, Blame.DOWN, Set.of());
  }

  /** The channel does not work. */
  DeliveryException(String message) {
    this(message, null);
  }

  /**
   * @param served the recipients that accepted it nevertheless
   */
  DeliveryException(String message, Throwable cause, Blame blame, Set<String> served) {
    super(message, cause);
    this.blame = blame;
    this.served = Set.copyOf(served);
  }

  Blame blame() {
    return blame;
  }

  Set<String> served() {
    return served;
  }
}
