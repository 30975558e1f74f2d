package org.lsm.alert;

/** Why a channel did not accept an alert, which decides when the outbox tries again. */
public enum FailureKind {
  /** The channel does not work. */
  UNAVAILABLE,
  /** The channel stopped responding while it processed this alert, perhaps because of it. */
  STALLED,
  /** The channel works, but refuses this alert. */
  REJECTED
}
