package org.lsm;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The rules between the packages: imports follow the data, see src/doc/architecture.md. */
@AnalyzeClasses(packages = "org.lsm", importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {

  /** The packages that each package may import; Lsm may import all. */
  private static final Map<String, List<String>> IMPORTS =
      Map.of(
          "model", List.of(),
          "storage", List.of("model"),
          "proc", List.of("model"),
          "config", List.of("model", "storage"),
          "sentry", List.of("model", "storage", "config"),
          "report", List.of("model"),
          "alert", List.of("model", "storage", "report"),
          "channel", List.of("model", "storage", "config", "report", "alert"),
          "monitor",
              List.of("model", "storage", "proc", "config", "sentry", "report", "alert", "channel"),
          "cli",
              List.of(
                  "model", "storage", "proc", "config", "sentry", "report", "alert", "channel",
                  "monitor"));

  @ArchTest
  static final ArchRule NO_CYCLES = slices().matching("org.lsm.(*)..").should().beFreeOfCycles();

  @ArchTest
  static void importsFollowTheData(JavaClasses all) {
    assertEquals(
        IMPORTS.keySet(),
        all.stream()
            .map(JavaClass::getPackageName)
            .filter(name -> !name.equals("org.lsm"))
            .map(name -> name.substring("org.lsm.".length()))
            .collect(Collectors.toSet()));
    IMPORTS.forEach(
        (name, imports) ->
            classes()
                .that()
                .resideInAPackage("org.lsm." + name)
                .should()
                .onlyDependOnClassesThat(mayBeImported(name, imports))
                .check(all));
  }

  private static DescribedPredicate<JavaClass> mayBeImported(String name, List<String> imports) {
    return DescribedPredicate.describe(
        "are in " + imports + ", or not of lsm",
        type -> {
          String other = type.getPackageName();
          return !other.startsWith("org.lsm")
              || other.equals("org.lsm." + name)
              || imports.stream().anyMatch(it -> other.equals("org.lsm." + it));
        });
  }
}
