package org.lsm.alert;

import java.util.Set;

/** A way to deliver alerts. */
public interface Channel {
  /** The name in the outbox and the history: lower-case letters and underscores. */
  String name();

  /**
   * Delivers an alert.
   *
   * @param served the recipients that already have it, as a {@link DeliveryException} named them
   * @return the reply of the receiving program or server; empty if it gave none
   * @throws DeliveryException if at least one other recipient has not accepted it
   */
  String send(Alert alert, Set<String> served) throws DeliveryException;
}
