package org.lsm.alert;

import java.util.Set;

/** An alert was not accepted by a channel; the message says why and how to mend it. */
public final class DeliveryException extends Exception {
  private static final long serialVersionUID = 1L;

  private final boolean refusal;
  private final transient Set<String> served;

  /** The channel does not work. */
  DeliveryException(String message, Throwable cause) {
    this(message, cause, false, Set.of());
  }

  /** The channel does not work. */
  DeliveryException(String message) {
    this(message, null);
  }

  /**
   * @param refusal whether only this alert was refused, so that another one may be accepted
   * @param served the recipients that accepted it nevertheless
   */
  DeliveryException(String message, Throwable cause, boolean refusal, Set<String> served) {
    super(message, cause);
    this.refusal = refusal;
    this.served = Set.copyOf(served);
  }

  boolean isRefusal() {
    return refusal;
  }

  Set<String> served() {
    return served;
  }
}
