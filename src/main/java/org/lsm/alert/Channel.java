package org.lsm.alert;

import java.util.Set;

/** A way by which alerts reach somebody. */
public interface Channel {

  /** The word that the outbox has for it. */
  String name();

  /**
   * Hands an alert over.
   *
   * @param served recipients that have it already, in the words of this channel
   * @return what there is to say of it; empty if nothing
   * @throws DeliveryException if not everybody else has accepted it
   */
  String send(Alert alert, Set<String> served) throws DeliveryException;
}
