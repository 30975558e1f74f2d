package org.lsm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.platform.commons.support.HierarchyTraversalMode.TOP_DOWN;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.ReflectionSupport;

/**
 * Runs the tests that are {@link FuzzTarget}, and is the target class of Jazzer.
 *
 * <p>Jazzer's own JUnit integration fuzzes one test in the life of a JVM, takes no
 * {@code @TempDir}, and instruments the JVM of all unit tests even when it only replays a corpus.
 */
public final class FuzzRunner implements ArgumentsProvider, InvocationInterceptor {

  /** How many seconds to fuzz each test; null in a build that only replays the corpora. */
  private static final Integer SECONDS = Integer.getInteger("org.lsm.fuzz");

  private static final Path FINDINGS = Path.of("target/fuzz");

  /** How many executions there were, what failed, and the file with the input. */
  private static final Pattern OUTCOME =
      Pattern.compile("^Done |^== Java Exception|Test unit written to ");

  private static final int RANDOM_LENGTH = 0x10000;

  private static Object instance;
  private static Method test;
  private static Object[] arguments;

  @Override
  public Stream<Arguments> provideArguments(
      ParameterDeclarations parameters, ExtensionContext context) throws IOException {
    if (SECONDS != null) {
      return Stream.of(input(SECONDS + " s", new byte[0]));
    }
    byte[] random = new byte[RANDOM_LENGTH];
    new Random(1).nextBytes(random);
    List<Arguments> inputs = new ArrayList<>();
    inputs.add(input("empty", new byte[0]));
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

  /** Fuzzes one test, in a JVM of its own. */
  private static void fuzz(Method test, List<Object> arguments) throws Exception {
    Class<?> type = test.getDeclaringClass();
    String name = type.getPackageName() + "." + test.getName();
    String directory = arguments.size() > 1 ? " " + arguments.get(1) : "";
    Path findings = Files.createDirectories(FINDINGS.resolve(name));
    Path log = FINDINGS.resolve(name + ".log");
    int status =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:MaxJavaStackTraceDepth=10", // bad rows throw exceptions by the million
                "-XX:-OmitStackTraceInFastThrow",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + FuzzRunner.class.getName(),
                "--target_args=" + type.getName() + " " + test.getName() + directory,
                "--instrumentation_includes=org.lsm.**:com.google.gson.**",
                "--mutator_framework=false", // libFuzzer alone is faster at plain bytes
                "--reproducer_path=" + FINDINGS,
                "-artifact_prefix=" + findings + "-",
                "-max_total_time=" + SECONDS,
                "-max_len=16384",
                "-timeout=10",
                findings.toString(),
                corpus(test).toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    try (Stream<String> lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
      lines.filter(OUTCOME.asPredicate()).forEach(line -> System.out.println(name + ": " + line));
    }
    assertEquals(0, status, () -> "see " + log + "; add the failing input to " + corpus(test));
  }

  /** Called by Jazzer with class, method and, if the test takes one, directory. */
  public static void fuzzerInitialize(String[] target) throws ClassNotFoundException {
    Class<?> type = Class.forName(target[0]);
    instance = ReflectionSupport.newInstance(type);
    test =
        AnnotationSupport.findAnnotatedMethods(type, FuzzTarget.class, TOP_DOWN).stream()
            .filter(it -> it.getName().equals(target[1]))
            .findFirst()
            .orElseThrow();
    arguments = target.length > 2 ? new Object[] {null, Path.of(target[2])} : new Object[1];
  }

  /** Called by Jazzer with each input; throws what the test throws. */
  public static void fuzzerTestOneInput(byte[] input) {
    arguments[0] = input;
    ReflectionSupport.invokeMethod(test, instance, arguments);
  }
}
