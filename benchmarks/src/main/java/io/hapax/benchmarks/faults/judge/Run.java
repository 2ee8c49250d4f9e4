package io.hapax.benchmarks.faults.judge;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lines that tell of one run. Filled while the file is read; not thread-safe. */
final class Run {

    /** {@code BEGIN}: run, kind, occurrence, lock key, token or -, owner or -. */
    final Line begin;

    /** The lines that show it active, its start first. */
    final List<Line> work = new ArrayList<>();

    final List<Line> effects = new ArrayList<>();
    final List<Line> rows = new ArrayList<>();

    @Nullable
    Line told;

    @Nullable
    Line end;

    /** LIMIT: run, lock key of all places, how many there may be. */
    @Nullable
    Line limit;

    @Nullable
    Line killed;

    Run(Line begin) {
        this.begin = begin;
        work.add(begin);
    }

    String id() {
        return begin.word(0);
    }

    String occurrence() {
        return begin.word(2);
    }

    String key() {
        return begin.word(3);
    }

    /** What others wait for who wait for its key: any place, if it has one of several. */
    String shared() {
        return limit == null ? key() : limit.word(1);
    }

    String token() {
        return begin.word(4);
    }

    String owner() {
        return begin.word(5);
    }

    Line lastWork() {
        return work.get(work.size() - 1);
    }

    void add(Line line) {
        switch (line.type()) {
            case "STEP" -> work.add(line);
            case "TOLD" -> {
                if (told == null && end == null) {
                    told = line;
                }
            }
            case "END" -> end = line;
            case "LIMIT" -> limit = line;
            case "EFFECT" -> {
                // A row is seen only when all is over.
                if (line.word(1).equals("row")) {
                    rows.add(line);
                } else {
                    work.add(line);
                    effects.add(line);
                }
            }
            default -> throw new IllegalArgumentException("line " + line.number() + " tells of no run");
        }
    }
}
