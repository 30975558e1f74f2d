package org.lsm.model;

/** Counts in words. */
public final class Plural {
  private Plural() {}

  /** A number with its regular noun: {@code 1 socket}, {@code 2 sockets}, {@code 2 processes}. */
  public static String count(long number, String noun) {
    return number + " " + noun + (number == 1 ? "" : noun.endsWith("s") ? "es" : "s");
  }
}
