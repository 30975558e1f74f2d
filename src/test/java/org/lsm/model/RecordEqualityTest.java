package org.lsm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Records with a hand-written equals compare all components but those that it names. */
class RecordEqualityTest {

  static Stream<Arguments> records() {
    Endpoint endpoint = new Endpoint("", Protocol.TCP, "0.0.0.0", 22);
    Owner owner = new Owner("root", "/a");
    ProcessRef process = new ProcessRef(1, 2, Instant.EPOCH, owner);
    ProgramFile file = new ProgramFile(1, 2, 3, 4);
    return Stream.of(
        Arguments.of(
            new Endpoint("", Protocol.TCP, "0.0.0.0", 22),
            new Object[] {"web", Protocol.UDP, "::", 23}),
        Arguments.of(new Owner("root", "/a"), new Object[] {"www", "/b", "/c"}),
        Arguments.of(
            process,
            new Object[] {
              2, 3L, Instant.ofEpochSecond(1), new Owner("www", "/a"), 4L, file, new Same(5)
            }),
        Arguments.of(file, new Object[] {5L, 6L, 7L, 8L}),
        Arguments.of(
            new ProgramDigest("/a", file, "00", false),
            new Object[] {"/b", new ProgramFile(1, 2, 3, 5), "01", true}),
        Arguments.of(
            new SocketKey(1, 2, endpoint),
            new Object[] {2L, 3L, new Endpoint("", Protocol.TCP, "0.0.0.0", 23)}),
        Arguments.of(
            new SocketOwners(List.of(process), true),
            new Object[] {List.of(), List.of(owner), false}));
  }

  /** The value of a component that does not count. */
  private record Same(Object value) {}

  /**
   * @param others for each component another value
   */
  @ParameterizedTest
  @MethodSource("records")
  void everyComponentCounts(Record record, Object[] others) throws Exception {
    RecordComponent[] components = record.getClass().getRecordComponents();
    assertEquals(components.length, others.length);
    Object same = copy(record, -1, null);
    assertEquals(record, same);
    assertEquals(record.hashCode(), same.hashCode());
    for (int i = 0; i < others.length; i++) {
      if (others[i] instanceof Same other) {
        assertEquals(record, copy(record, i, other.value()), components[i].getName());
      } else {
        assertNotEquals(record, copy(record, i, others[i]), components[i].getName());
      }
    }
    assertNotEquals(record, null);
  }

  private static Object copy(Record record, int changed, Object value) throws Exception {
    RecordComponent[] components = record.getClass().getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = i == changed ? value : components[i].getAccessor().invoke(record);
    }
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    return record.getClass().getDeclaredConstructor(types).newInstance(values);
  }
}
