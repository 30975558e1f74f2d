package org.lsm.alert;

import java.time.Instant;

/**
 * What is told to the administrator, whichever way it goes.
 *
 * @param host the host it is about
 * @param time when it was found
 * @param subject one line, escaped
 * @param text the whole story, escaped
 */
public record Alert(String host, Instant time, String subject, String text) {}
