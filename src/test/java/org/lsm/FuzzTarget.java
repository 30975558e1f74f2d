package org.lsm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * A test that holds for any bytes: its first parameter, which a second one, a {@code @TempDir}, may
 * follow. In every build it is tried on its corpus, {@code src/test/resources/PACKAGE/fuzz/TEST};
 * {@code mvn -Pfuzz verify} has Jazzer look for bytes that it fails on.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(name = "{0}")
@ArgumentsSource(FuzzRunner.class)
@ExtendWith(FuzzRunner.class)
public @interface FuzzTarget {}
