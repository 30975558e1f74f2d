package org.lsm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import org.lsm.model.TextEscaper;

/** Text as {@link TextEscaper#decode} makes it: a byte that is not UTF-8 is a lone surrogate. */
public final class DecodedText {

  private DecodedText() {}

  /** The bytes that were decoded. */
  public static byte[] bytes(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    text.codePoints()
        .forEach(
            it -> {
              boolean loneByte = it >= 0xdc80 && it <= 0xdcff;
              out.writeBytes(
                  loneByte ? new byte[] {(byte) it} : Character.toString(it).getBytes(UTF_8));
            });
    return out.toByteArray();
  }
}
