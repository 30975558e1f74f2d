package org.lsm.alert;

/** An alert was not accepted by a channel; the message says why and how to mend it. */
public final class DeliveryException extends Exception {
  private static final long serialVersionUID = 1L;

  DeliveryException(String message, Throwable cause) {
    super(message, cause);
  }

  DeliveryException(String message) {
    super(message);
  }
}
