package org.lsm.alert;

import java.util.Set;

/** An alert was not accepted by a channel; the message says why and how to mend it. */
public final class DeliveryException extends Exception {
  private static final long serialVersionUID = 1L;

  private final FailureKind blame;
  private final transient Set<String> served;

  /** The channel does not work. */
  public DeliveryException(String message, Throwable cause) {
    this(message, cause, FailureKind.UNAVAILABLE, Set.of());
  }

  /** The channel does not work. */
  public DeliveryException(String message) {
    this(message, null);
  }

  /**
   * @param served the recipients that accepted it nevertheless
   */
  public DeliveryException(String message, Throwable cause, FailureKind blame, Set<String> served) {
    super(message, cause);
    this.blame = blame;
    this.served = Set.copyOf(served);
  }

  public FailureKind blame() {
    return blame;
  }

  public Set<String> served() {
    return served;
  }
}
