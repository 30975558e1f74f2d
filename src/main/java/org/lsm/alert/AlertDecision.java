package org.lsm.alert;

import java.util.List;
import java.util.Optional;
import org.lsm.model.Difference;

/**
 * What {@link AlertPolicy} makes of one run.
 *
 * @param next the state to store once the alert is safe in the outbox
 * @param type the type of the alert to send; empty if none is due
 * @param reported the differences that the alert reports
 * @param appeared the differences that became active
 * @param resolved the names of the entries that were resolved
 */
public record AlertDecision(
    AlertState next,
    Optional<AlertType> type,
    List<Difference> reported,
    List<Difference> appeared,
    List<String> resolved) {}
