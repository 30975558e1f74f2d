package org.lsm.cli;

import java.util.List;
import java.util.function.Consumer;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Options and parameters that set the fields of a command. Not annotations: to read them, Java
 * defines classes at each start, which no class-data archive holds (35 ms).
 */
final class Arguments {
  private Arguments() {}

  /** The field that an argument sets; a list is set once, and then grows. */
  private static final class Field<T> implements IGetter, ISetter {
    private final Consumer<T> field;
    private T value;

    Field(Consumer<T> field) {
      this.field = field;
    }

    @Override
    @SuppressWarnings("unchecked") // picocli converts to the type of the argument
    public <V> V set(V converted) {
      value = (T) converted;
      field.accept(value);
      return null;
    }

    @Override
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // of picocli's interface
    public <V> V get() {
      return (V) value;
    }
  }

  /** An option without a value. */
  static OptionSpec.Builder flag(String name, Consumer<Boolean> field) {
    return option(name, boolean.class, field);
  }

  /** An option with a value, which help calls by its label. */
  static <T> OptionSpec.Builder option(
      String name, String label, Class<T> type, Consumer<T> field) {
    return option(name, type, field).paramLabel(label);
  }

  /** The option --format, with these constants as its values. */
  static <T> OptionSpec.Builder format(Class<T> type, Consumer<T> field) {
    return option("--format", "FORMAT", type, field)
        .defaultValue("text")
        .description("The format of the output: ${COMPLETION-CANDIDATES}.");
  }

  private static <T> OptionSpec.Builder option(String name, Class<T> type, Consumer<T> field) {
    Field<T> binding = new Field<>(field);
    return OptionSpec.builder(name)
        .type(type)
        .getter(binding)
        .setter(binding)
        .hasInitialValue(false);
  }

  /** A parameter, which help calls by its label. */
  static <T> PositionalParamSpec.Builder parameter(String label, Class<T> type, Consumer<T> field) {
    return parameter(label, new Field<>(field)).type(type);
  }

  /** Any number of parameters of this type. */
  static <T> PositionalParamSpec.Builder parameters(
      String label, Class<T> type, Consumer<List<T>> field) {
    return parameter(label, new Field<>(field)).type(List.class).auxiliaryTypes(type);
  }

  private static PositionalParamSpec.Builder parameter(String label, Field<?> binding) {
    return PositionalParamSpec.builder()
        .paramLabel(label)
        .getter(binding)
        .setter(binding)
        .hasInitialValue(false);
  }
}
