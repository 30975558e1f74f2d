package org.lsm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lsm.Checksum;

/** Other formats and damage are tested with the files, see {@link SnapshotFileTest}. */
class FieldCursorTest {

  private static FieldCursor cursor(String lines) {
    return FieldCursor.open(
        Checksum.append("lsm-test\t1\n" + lines).getBytes(UTF_8), "lsm-test", "1");
  }

  @Test
  void readsFieldsOfEachLine() {
    FieldCursor cursor = cursor("a\t-12\tb\\x09\\\\\t\n\nlast\n");

    assertTrue(cursor.nextLine());
    assertEquals("a", cursor.next());
    assertEquals(-12, cursor.number());
    assertEquals("b\\x09\\\\\t", cursor.peek());
    assertEquals(List.of("b\t\\", ""), cursor.rest());
    assertFalse(cursor.hasNext());
    assertTrue(cursor.nextLine());
    assertTrue(cursor.hasNext());
    assertEquals("", cursor.next());
    assertTrue(cursor.nextLine());
    assertEquals("last", cursor.next());
    assertFalse(cursor.nextLine());
  }

  @Test
  void skipsWhatIsLeftOfLine() {
    FieldCursor cursor = cursor("a\tb\tc\nd\te\n");
    cursor.nextLine();
    assertEquals("a", cursor.next());
    cursor.nextLine();
    assertEquals(List.of("d", "e"), cursor.rest());
  }

  /** Never a field of the next line. */
  @Test
  void refusesMissingField() {
    FieldCursor cursor = cursor("a b\t1\nc\n");
    cursor.nextLine();
    cursor.rest();
    for (Runnable read : List.<Runnable>of(cursor::next, cursor::number)) {
      Exception e = assertThrows(IllegalArgumentException.class, read::run);
      assertEquals("a field is missing in 'a b 1'", e.getMessage());
    }
    cursor.nextLine();
    assertThrows(NumberFormatException.class, cursor::number);
  }
}
