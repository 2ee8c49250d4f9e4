package io.hapax.benchmarks.faults.judge;

import io.hapax.benchmarks.faults.judge.Linearizability.Timed;
import io.hapax.benchmarks.faults.judge.Registers.Access;
import io.hapax.benchmarks.faults.judge.Registers.Act;
import io.hapax.benchmarks.faults.judge.Registers.Doing;
import io.hapax.benchmarks.faults.judge.Violation.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Judges each lock key as a register that belongs to one run at a time, and each run key as one that is written once. */
final class Keys {

    /** Eight moments to a line, so that what one line tells of has an order. */
    private static final long MOMENTS = 8;
    /** A worker that froze up to this long before the start of a run may have been granted the lease before it froze. */
    private static final long FROZEN_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final Map<String, Kind> TWICE =
            Map.of("file", Kind.TWICE_FILE, "store", Kind.TWICE_STORE, "row", Kind.TWICE_ROW);

    private final Transcript transcript;
    private final List<Violation> found = new ArrayList<>();

    private Keys(Transcript transcript) {
        this.transcript = transcript;
    }

    static List<Violation> judge(Transcript transcript) {
        Keys keys = new Keys(transcript);
        Map<String, List<Run>> ofKey = transcript.runs().stream()
                .collect(Collectors.groupingBy(Run::key, LinkedHashMap::new, Collectors.toList()));
        ofKey.values().forEach(keys::tokens);
        ofKey.values().forEach(keys::pairs);
        keys.places();
        keys.effects();
        return keys.found;
    }

    private void tokens(List<Run> runs) {
        List<Timed<Long>> grants = new ArrayList<>();
        Map<Long, Run> byReturn = new LinkedHashMap<>();
        for (Run run : runs) {
            if (!run.token().equals("-")) {
                Timed<Long> grant = new Timed<>(granted(run), begun(run), Long.valueOf(run.token()));
                grants.add(grant);
                byReturn.put(grant.returned(), run);
            }
        }
        for (Timed<Long> culprit : new Linearizability<>(Registers.Tokens.GROWING).culprits(grants)) {
            Run run = byReturn.get(culprit.returned());
            if (run != null) {
                add(Kind.TOKEN_OUT_OF_ORDER, run.begin, run.id());
            }
        }
    }

    /** The earliest moment at which the lease of a run can have been granted. */
    private long granted(Run run) {
        long begin = run.begin.nanos();
        int seen = transcript.leases().firstSeen(run.owner()).orElse(run.begin.number());
        int frozen = transcript
                .pauses(run.begin.source(), begin - FROZEN_NANOS, begin)
                .mapToInt(pause -> pause.from().number())
                .min()
                .orElse(run.begin.number());
        return MOMENTS * Math.min(run.begin.number(), Math.min(seen, frozen));
    }

    private static long begun(Run run) {
        return MOMENTS * run.begin.number() + 1;
    }

    /** That no two are in at once holds for all if it holds for each two. */
    private void pairs(List<Run> runs) {
        for (int i = 0; i < runs.size(); i++) {
            Run older = runs.get(i);
            for (int k = i + 1;
                    k < runs.size()
                            && runs.get(k).begin.number() < older.lastWork().number();
                    k++) {
                pair(older, runs.get(k));
            }
        }
    }

    private void pair(Run older, Run newer) {
        List<Timed<Act>> acts = new ArrayList<>();
        acts(acts, older);
        acts(acts, newer);
        List<Timed<Act>> culprits = new Linearizability<>(Registers.Holder.LAST).culprits(acts);
        if (culprits.isEmpty()) {
            return;
        }
        int number = (int) (culprits.get(0).returned() / MOMENTS);
        Line line = older.work.stream()
                .filter(work -> work.number() == number)
                .findFirst()
                .orElse(newer.begin);
        Line told = older.told;
        boolean knew = told != null && told.number() < newer.begin.number();
        add(knew ? Kind.OVERLAP_TOLD : Kind.OVERLAP_UNTOLD, line, older.id() + " " + newer.id());
    }

    private void acts(List<Timed<Act>> acts, Run run) {
        acts.add(new Timed<>(granted(run), begun(run), new Act(run.id(), Doing.ENTERING)));
        for (Line line : run.work) {
            acts.add(moment(line, 2, new Act(run.id(), Doing.WORKING)));
        }
        acts.add(moment(run.lastWork(), 4, new Act(run.id(), Doing.LEAVING)));
    }

    private static <O> Timed<O> moment(Line line, int offset, O what) {
        long at = MOMENTS * line.number() + offset;
        return new Timed<>(at, at + 1, what);
    }

    /** A run takes a place when it starts, and gives it back when it was last active or was notified of its loss, whichever is earlier. */
    private void places() {
        Map<String, Map<Run, Integer>> taken = new HashMap<>();
        transcript.runs().stream()
                .sorted(Comparator.comparingInt(run -> run.begin.number()))
                .forEach(run -> {
                    Line limit = run.limit;
                    if (limit == null) {
                        return;
                    }
                    Map<Run, Integer> places = taken.computeIfAbsent(limit.word(1), name -> new LinkedHashMap<>());
                    places.keySet().removeIf(other -> leaving(other) <= run.begin.number());
                    places.put(run, Integer.valueOf(limit.word(2)));
                    if (places.size() > Collections.min(places.values())) {
                        add(Kind.OVER_LIMIT, run.begin, run.id());
                    }
                });
    }

    private static int leaving(Run run) {
        Line told = run.told;
        int last = run.lastWork().number();
        return told == null ? last : Math.min(last, told.number());
    }

    private void effects() {
        Map<String, Map<String, List<Timed<Access>>>> registers = new LinkedHashMap<>();
        Map<Integer, Line> lines = new LinkedHashMap<>();
        for (Run run : transcript.runs()) {
            for (Line effect : run.effects) {
                if (effect.word(3).equals("ok")) {
                    register(registers, effect).add(moment(effect, 0, Access.WRITING));
                    lines.put(effect.number(), effect);
                }
            }
            Line end = run.end;
            // Committed after the last sign of work of the run, and before its end.
            Line committed = end == null ? run.lastWork() : end;
            int before = Math.min(committed.number(), run.lastWork().number());
            lines.put(committed.number(), committed);
            for (Line row : run.rows) {
                if (row.word(3).equals("ok")) {
                    register(registers, row)
                            .add(new Timed<>(MOMENTS * before + 6, MOMENTS * committed.number() + 7, Access.WRITING));
                }
            }
        }
        registers.forEach((resource, ofOccurrence) ->
                ofOccurrence.forEach((occurrence, accesses) -> written(resource, occurrence, accesses, lines)));
        lost(registers);
    }

    private static List<Timed<Access>> register(Map<String, Map<String, List<Timed<Access>>>> registers, Line effect) {
        return registers
                .computeIfAbsent(effect.word(1), name -> new LinkedHashMap<>())
                .computeIfAbsent(effect.word(2), name -> new ArrayList<>());
    }

    private void written(String resource, String occurrence, List<Timed<Access>> accesses, Map<Integer, Line> lines) {
        List<Timed<Access>> culprits = new Linearizability<>(Registers.Once.WRITTEN).culprits(accesses);
        if (!culprits.isEmpty()) {
            Line line = lines.get((int) (culprits.get(0).returned() / MOMENTS));
            Kind kind = TWICE.get(resource);
            if (line == null || kind == null) {
                throw new IllegalArgumentException("there is no resource " + resource);
            }
            add(kind, line, occurrence);
        }
    }

    /** When all is over, what was due has to be found written on both. */
    private void lost(Map<String, Map<String, List<Timed<Access>>>> registers) {
        long end = MOMENTS * (transcript.lines() + 1L);
        for (Line due : transcript.due()) {
            boolean missing = false;
            for (String resource : List.of("file", "row")) {
                List<Timed<Access>> accesses = new ArrayList<>(
                        registers.getOrDefault(resource, Map.of()).getOrDefault(due.word(1), List.of()).stream()
                                .limit(1)
                                .toList());
                accesses.add(new Timed<>(end, end + 1, Access.FINDING_WRITTEN));
                missing |= !new Linearizability<>(Registers.Once.WRITTEN).hasOrder(accesses);
            }
            if (missing) {
                add(Kind.LOST, due, due.word(1));
            }
        }
    }

    private void add(Kind kind, Line at, String subject) {
        found.add(new Violation(kind, transcript.window(at.nanos()), subject, at.number()));
    }
}
