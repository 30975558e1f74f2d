package org.lsm.alert;

import java.util.Set;

/** A way to deliver alerts. */
public interface Channel {
  /** The name in the outbox and the history: lower-case letters and underscores. */
  String name();

  /** Where alerts go, for people; empty if the name says all. */
  default String destination() {
    return "";
  }

  /**
   * Delivers an alert.
   *
   * @param served the recipients that already have it, as a {@link DeliveryException} named them
   * @return where it went and what the receiving program or server replied, for people; may be
   *     empty
   * @throws DeliveryException if at least one other recipient has not accepted it
   */
  String send(Alert alert, Set<String> served) throws DeliveryException;
}
