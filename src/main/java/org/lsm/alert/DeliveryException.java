package org.lsm.alert;

import java.util.Set;

/** A channel did not accept an alert. The message says why, and what to do about it. */
public final class DeliveryException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why a channel did not accept an alert, which decides when the outbox tries again. */
  public enum FailureKind {
    /** The channel does not work. */
    UNAVAILABLE,
    /** The channel stopped responding while it processed this alert, perhaps because of it. */
    STALLED,
    /** The channel has the whole alert, but did not say in time whether it accepts it. */
    UNANSWERED,
    /** The channel works, but refuses this alert. */
    REJECTED
  }

  private final FailureKind kind;
  private final transient Set<String> served;

  /** A failure of kind {@link FailureKind#UNAVAILABLE}. */
  public DeliveryException(String message, Throwable cause) {
    this(message, cause, FailureKind.UNAVAILABLE, Set.of());
  }

  /** {@code served} names the recipients that accepted the alert nevertheless. */
  public DeliveryException(String message, Throwable cause, FailureKind kind, Set<String> served) {
    super(message, cause);
    this.kind = kind;
    this.served = Set.copyOf(served);
  }

  public FailureKind kind() {
    return kind;
  }

  public Set<String> served() {
    return served;
  }
}
