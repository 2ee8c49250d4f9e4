package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Checker;
import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.Findings;
import io.hapax.benchmarks.faults.judge.Judge;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Compares what two checkers that know nothing of each other say of one history: each violation, its fault and its subject. */
final class Agreement {

    private Agreement() {}

    /** Where they do not agree: one line each, with the file and the line in it; empty if they agree. */
    static List<String> differences(
            String file, List<Event> events, Checker.Verdict verdict, Judge.Judgement judgement) {
        Map<String, Integer> checked = checked(events, verdict);
        Map<String, Integer> judged = judged(judgement);
        List<String> differences = new ArrayList<>();
        if (verdict.complete() != judgement.complete()) {
            differences.add(file + ":" + events.size() + ": only the " + (verdict.complete() ? "first" : "second")
                    + " checker takes it for complete");
        }
        checked.forEach((what, line) -> {
            if (!judged.containsKey(what)) {
                differences.add(file + ":" + line + ": only the first checker finds " + what);
            }
        });
        judged.forEach((what, line) -> {
            if (!checked.containsKey(what)) {
                differences.add(file + ":" + line + ": only the second checker finds " + what);
            }
        });
        return differences;
    }

    /** What the first checker found: kind, number of the fault and subject, with the line. */
    static Map<String, Integer> checked(List<Event> events, Checker.Verdict verdict) {
        Map<String, Integer> found = new TreeMap<>();
        for (int window = 0; window < verdict.findings().size(); window++) {
            Findings findings = verdict.findings().get(window);
            for (Findings.Case one : findings.cases()) {
                if (isViolation(one)) {
                    found.put(name(one.kind(), window, one.subject()), events.indexOf(one.at()) + 1);
                }
            }
            if (!findings.isCarriedOut()) {
                found.put(name("not-healed", window, findings.fault()), events.indexOf(findings.begin()) + 1);
            }
        }
        verdict.left().forEach((what, count) -> {
            if (count > 0) {
                found.put(name("left-behind", 0, what), events.size());
            }
        });
        return found;
    }

    /** What the second checker found, likewise. */
    static Map<String, Integer> judged(Judge.Judgement judgement) {
        Map<String, Integer> found = new TreeMap<>();
        judgement
                .violations()
                .forEach(one -> found.put(name(one.kind().label(), one.window(), one.subject()), one.line()));
        return found;
    }

    /** Which run was notified, or taken over, in time is a case, too. */
    private static boolean isViolation(Findings.Case one) {
        return switch (one.kind()) {
            case "told-late-after-thaw" -> one.millis() > Promise.TOLD_AFTER_THAW_MILLIS;
            case "taken-over-late" -> one.millis() > Promise.TAKEOVER_MILLIS;
            default -> true;
        };
    }

    private static String name(String kind, int window, String subject) {
        return kind + " of " + subject + " during fault " + window;
    }
}
