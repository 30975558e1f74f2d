package org.lsm.alert;

import java.util.Set;

/** A channel did not accept an alert. The message says why, and what to do about it. */
public final class DeliveryException extends Exception {
  private static final long serialVersionUID = 1L;

  private final FailureKind kind;
  private final transient Set<String> served;

  /** A failure of kind {@link FailureKind#UNAVAILABLE}. */
  public DeliveryException(String message, Throwable cause) {
    this(message, cause, FailureKind.UNAVAILABLE, Set.of());
  }

  /** A failure of kind {@link FailureKind#UNAVAILABLE}. */
  public DeliveryException(String message) {
    this(message, null);
  }

  /**
   * @param served the recipients that accepted the alert nevertheless
   */
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
