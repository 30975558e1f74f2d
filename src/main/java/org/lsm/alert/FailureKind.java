package org.lsm.alert;

/** What is to be thought of the channel. */
public enum FailureKind {
  /** It does not work. */
  UNAVAILABLE,
  /** It came to a stop over this alert, which may be the reason. */
  STALLED,
  /** It works, but refuses this alert. */
  REJECTED
}
