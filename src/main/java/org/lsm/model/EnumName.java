package org.lsm.model;

import java.util.Locale;

/** The names of constants in what lsm prints and reads. */
public final class EnumName {
  private EnumName() {}

  /** The name of this constant in lower case. */
  public static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
