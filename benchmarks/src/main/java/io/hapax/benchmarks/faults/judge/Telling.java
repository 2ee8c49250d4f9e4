package io.hapax.benchmarks.faults.judge;

import io.hapax.benchmarks.faults.judge.Violation.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** Judges what depends on time: when runs were notified, when they were taken over, and what was left. */
final class Telling {

    /** A process that stood still so long before the end of a lease may have missed to tell in time. */
    private static final long EXCUSED_BEFORE = TimeUnit.SECONDS.toNanos(1);

    private static final long FORGOTTEN_AFTER = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long AFTER_THAW = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long TAKEOVER = TimeUnit.SECONDS.toNanos(5);
    /** Joins the faults of a window with several at once. */
    private static final String JOINED = "+";

    private final Transcript transcript;
    private final List<Violation> found = new ArrayList<>();

    private Telling(Transcript transcript) {
        this.transcript = transcript;
    }

    static List<Violation> judge(Transcript transcript) {
        Telling telling = new Telling(transcript);
        for (Run run : transcript.runs()) {
            telling.told(run);
            telling.neverTold(run);
            telling.takenOver(run);
        }
        for (Line fault : transcript.faults()) {
            if (transcript.healed(fault) == null) {
                telling.add(Kind.NOT_HEALED, fault, fault.word(0));
            }
        }
        for (Line left : transcript.left()) {
            if (Integer.parseInt(left.word(1)) > 0) {
                telling.found.add(new Violation(Kind.LEFT_BEHIND, 0, left.word(0), left.number()));
            }
        }
        return telling.found;
    }

    private void told(Run run) {
        Line told = run.told;
        if (told == null) {
            return;
        }
        OptionalLong end = transcript.leases().end(run.owner(), told.number());
        // Before its end is in time, whatever became of the process.
        if (end.isEmpty() || told.nanos() <= end.getAsLong()) {
            return;
        }
        long from = end.getAsLong() - EXCUSED_BEFORE;
        OptionalLong wentOn = transcript
                .pauses(run.begin.source(), from, told.nanos())
                .mapToLong(pause -> Math.min(pause.nanos(), told.nanos()))
                .max();
        if (wentOn.isPresent()) {
            long since = wentOn.getAsLong();
            if (told.nanos() - since - waited(run, since, told.nanos()) > AFTER_THAW) {
                add(Kind.TOLD_LATE_AFTER_THAW, told, run.id());
            }
        } else if (told.nanos() > end.getAsLong() + waited(run, from, told.nanos())) {
            add(Kind.TOLD_LATE, told, run.id());
        }
    }

    /** For how long the process of a run would have gone on if it had had a processor. */
    private long waited(Run run, long from, long to) {
        return transcript.waited(run.begin.source(), from, to);
    }

    private void neverTold(Run run) {
        OptionalLong lease = transcript.leases().end(run.owner(), transcript.lines());
        if (lease.isEmpty() || run.told != null) {
            return;
        }
        long end = lease.getAsLong();
        long last = run.lastWork().nanos();
        Line killed = run.killed;
        long forgotten = end + FORGOTTEN_AFTER + waited(run, end - EXCUSED_BEFORE, last);
        boolean died = killed != null && killed.nanos() <= forgotten;
        boolean stoodStill = transcript
                .pauses(run.begin.source(), end - EXCUSED_BEFORE, last)
                .findAny()
                .isPresent();
        if (last > forgotten && !died && !stoodStill) {
            found.add(new Violation(
                    Kind.NEVER_TOLD,
                    transcript.window(end),
                    run.id(),
                    run.lastWork().number()));
        }
    }

    private void takenOver(Run run) {
        Line killed = run.killed;
        if (killed == null) {
            return;
        }
        long since = Math.max(killed.nanos(), ableSince(killed));
        transcript.runs().stream()
                .filter(next -> next.shared().equals(run.shared()) && next.begin.nanos() > killed.nanos())
                .min(Comparator.comparingInt(next -> next.begin.number()))
                .filter(next -> next.begin.nanos() - since > TAKEOVER)
                .ifPresent(next -> add(Kind.TAKEN_OVER_LATE, killed, run.id()));
    }

    /** Where several faults strike at once, the others may be unable to take over until all are healed. */
    private long ableSince(Line killed) {
        int window = transcript.window(killed.nanos());
        if (window == 0) {
            return Long.MIN_VALUE;
        }
        Line fault = transcript.faults().get(window - 1);
        Line healed = transcript.healed(fault);
        return fault.word(0).contains(JOINED) && healed != null ? healed.nanos() : Long.MIN_VALUE;
    }

    private void add(Kind kind, Line at, String subject) {
        found.add(new Violation(kind, transcript.window(at.nanos()), subject, at.number()));
    }
}
