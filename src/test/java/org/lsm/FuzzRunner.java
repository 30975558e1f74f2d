package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** Runs the tests that are {@link FuzzTarget}, and is what Jazzer calls. */
public final class FuzzRunner implements ArgumentsProvider, InvocationInterceptor {

  /** How long to fuzz each test; null in a build that only tries their corpora. */
  private static final Integer SECONDS = Integer.getInteger("org.lsm.fuzz");

  private static final Path FOUND = Path.of("target/fuzz");

  /** How many executions there were, what failed, and where that is. */
  private static final Predicate<String> OUTCOME =
      Pattern.compile("^Done |^== Java Exception|Test unit written to ").asPredicate();

  private static final int RANDOM_LENGTH = 0x10000;

  private static Object instance;
  private static Method test;
  private static Path folder;

  @Override
  public Stream<Arguments> provideArguments(
      ParameterDeclarations parameters, ExtensionContext context) throws IOException {
    if (SECONDS != null) {
      return Stream.of(input(SECONDS + " s", new byte[0]));
    }
    byte[] random = new byte[RANDOM_LENGTH];
    new Random(1).nextBytes(random);
    List<Arguments> inputs = new ArrayList<>();
    inputs.add(input("nothing", new byte[0]));
    inputs.add(input("random", random));
    try (Stream<Path> corpus = Files.list(corpus(context.getRequiredTestMethod()))) {
      for (Path file : corpus.sorted().toList()) {
        inputs.add(input(file.getFileName().toString(), Files.readAllBytes(file)));
      }
    }
    return inputs.stream();
  }

  private static Arguments input(String name, byte[] bytes) {
    return Arguments.of(Named.of(name, bytes));
  }

  private static Path corpus(Method test) {
    String place = test.getDeclaringClass().getPackageName().replace('.', '/');
    return Path.of("src/test/resources", place, "fuzz", test.getName());
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> call,
      ExtensionContext context)
      throws Throwable {
    if (SECONDS == null) {
      invocation.proceed();
    } else {
      invocation.skip();
      fuzz(call.getExecutable(), call.getArguments());
    }
  }

  /** In a JVM of its own, for Jazzer fuzzes one target in the life of one. */
  private static void fuzz(Method test, List<Object> arguments) throws Exception {
    String name = test.getDeclaringClass().getPackageName() + "." + test.getName();
    List<String> target = new ArrayList<>(List.of(test.getDeclaringClass().getName()));
    target.add(test.getName());
    arguments.stream().skip(1).map(Object::toString).forEach(target::add);
    Path found = Files.createDirectories(FOUND.resolve(name));
    Path log = FOUND.resolve(name + ".log");
    int status =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:MaxJavaStackTraceDepth=10", // of exceptions that bad rows make by the million
                "-XX:-OmitStackTraceInFastThrow",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + FuzzRunner.class.getName(),
                "--target_args=" + String.join(" ", target),
                "--instrumentation_includes=org.lsm.**:com.google.gson.**",
                "--mutator_framework=false", // libFuzzer alone is faster at plain bytes
                "--reproducer_path=" + FOUND,
                "-artifact_prefix=" + found + "-",
                "-max_total_time=" + SECONDS,
                "-max_len=16384",
                "-timeout=10",
                found.toString(),
                corpus(test).toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    try (Stream<String> lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
      lines.filter(OUTCOME).forEach(line -> System.out.println(name + ": " + line));
    }
    assertEquals(0, status, () -> "see " + log + "; what failed belongs into " + corpus(test));
  }

  /** Called by Jazzer with the class, the method and the folder of a test. */
  public static void fuzzerInitialize(String[] target) throws ReflectiveOperationException {
    Class<?> type = Class.forName(target[0]);
    Constructor<?> constructor = type.getDeclaredConstructor();
    constructor.setAccessible(true);
    instance = constructor.newInstance();
    folder = target.length > 2 ? Path.of(target[2]) : null;
    test =
        folder == null
            ? type.getDeclaredMethod(target[1], byte[].class)
            : type.getDeclaredMethod(target[1], byte[].class, Path.class);
    test.setAccessible(true);
  }

  /** Called by Jazzer with all that it thinks of. */
  public static void fuzzerTestOneInput(byte[] input) throws Throwable {
    try {
      if (folder == null) {
        test.invoke(instance, input);
      } else {
        test.invoke(instance, input, folder);
      }
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
