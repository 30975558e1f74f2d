package org.lsm;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * A clock that stands still, but lets something happen whenever it is looked at: a scanner does
 * that once a scan, when it has read all tables.
 */
public final class ScriptedClock extends Clock {

  private final Instant now;
  private final Queue<Runnable> events = new ArrayDeque<>();
  private int asked;

  public ScriptedClock(Instant now) {
    this.now = now;
  }

  /** What happens after the next scan that has no event yet. */
  public ScriptedClock then(Runnable event) {
    events.add(event);
    return this;
  }

  /** How often the time was asked for. */
  public int asked() {
    return asked;
  }

  @Override
  public Instant instant() {
    asked++;
    if (!events.isEmpty()) {
      events.remove().run();
    }
    return now;
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException();
  }
}
