package org.lsm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * A test that must hold for any bytes: its first parameter. A {@code @TempDir} may follow. Every
 * build replays the test on its corpus in {@code src/test/resources/PACKAGE/fuzz/TEST}; {@code mvn
 * -Pfuzz verify} lets Jazzer search for failing inputs.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(name = "{0}")
@ArgumentsSource(FuzzRunner.class)
@ExtendWith(FuzzRunner.class)
public @interface FuzzTarget {}
