package io.hapax.benchmarks.faults.history;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Draws what the workers did on one lock key around a fault, as SVG that is readable on light and dark pages: a lane for each
 * worker, a bar for each run, marks for effects and for notifications of a loss.
 */
public final class Timeline {

    private static final int WIDTH = 860;
    private static final int LEFT = 70;
    private static final int RIGHT = 20;
    private static final int TOP = 74;
    private static final int LANE = 56;
    private static final int BLOW = 18;
    private static final long BEFORE = TimeUnit.SECONDS.toNanos(1);
    private static final long SHORTEST = TimeUnit.SECONDS.toNanos(6);
    private static final long LONGEST = TimeUnit.SECONDS.toNanos(40);
    private static final int MOST_LABELS = 20;
    private static final List<String> OTHERS = List.of("#3b82f6", "#10a37f", "#8b5cf6", "#c2410c", "#0891b2");

    private final Checker.Verdict verdict;
    private final List<Event> events;
    private final Findings findings;
    private final ObservedRun shown;
    private final long from;
    private final long to;
    private final List<String> occurrences;

    private Timeline(Checker.Verdict verdict, List<Event> events, Findings findings, ObservedRun shown) {
        this.verdict = verdict;
        this.events = events;
        this.findings = findings;
        this.shown = shown;
        List<ObservedRun> near = verdict.runs().stream()
                .filter(run -> run.occurrence().equals(shown.occurrence()))
                .toList();
        long begin = near.stream().mapToLong(ObservedRun::begun).min().orElse(shown.begun());
        long end = near.stream().mapToLong(Timeline::lastMark).max().orElse(shown.lastActive());
        Event fault = findings.begin();
        long struck = fault == null ? begin : fault.nanos();
        this.from = Math.max(Math.min(begin, struck), struck - LONGEST / 4) - BEFORE;
        this.to = Math.min(Math.max(end + BEFORE, from + SHORTEST), from + LONGEST);
        this.occurrences = verdict.runs().stream()
                .filter(this::isShown)
                .map(ObservedRun::occurrence)
                .distinct()
                .toList();
    }

    private static long lastMark(ObservedRun run) {
        Event told = run.told();
        return Math.max(
                Math.max(run.lastActive(), told == null ? Long.MIN_VALUE : told.nanos()),
                run.effects().stream().mapToLong(Event::nanos).max().orElse(Long.MIN_VALUE));
    }

    /**
     * Draws the worst case of a fault.
     *
     * @param verdict of the history
     * @param events of the history
     * @param findings of the fault
     * @param title what stands above
     * @param file the file, which is replaced
     * @return whether there was anything to draw
     * @throws IOException if the file cannot be written
     */
    public static boolean draw(Checker.Verdict verdict, List<Event> events, Findings findings, String title, Path file)
            throws IOException {
        ObservedRun worst = findings.worst();
        if (worst == null) {
            return false;
        }
        Files.writeString(file, new Timeline(verdict, events, findings, worst).svg(title));
        return true;
    }

    private String svg(String title) {
        List<String> workers = events.stream()
                .filter(event -> event.type() == EventType.UP)
                .map(Event::source)
                .distinct()
                .sorted()
                .toList();
        List<Event> blows = blows();
        int height = TOP + LANE * workers.size() + 44 + BLOW * blows.size();
        StringBuilder svg = new StringBuilder(format("""
                <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' role='img' aria-label='%s'>
                <style>
                text { font: 12px system-ui, sans-serif; fill: #24292f }
                .title { font-size: 15px; font-weight: 600 }
                .lane { stroke: #8886; stroke-width: 1 }
                .stop { fill: #8884 }
                .fault { fill: #e8890c22 }
                .blow { fill: #e8890c }
                @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
                </style>
                <text class='title' x='%d' y='22'>%s</text>
                <text x='%d' y='42'>lock key %s; a bar is a run; pink: the occurrence in question, other colours: others; ● effect on the file, ◆ row in PostgreSQL,</text>
                <text x='%d' y='58'>▼ notified of the loss, × killed; grey: the process is paused; orange: from the fault until its cause is gone</text>
                """, WIDTH, height, title, LEFT, title, LEFT, shown.key(), LEFT));
        fault(svg, height);
        for (int lane = 0; lane < workers.size(); lane++) {
            lane(svg, workers.get(lane), TOP + LANE * lane);
        }
        for (int i = 0; i < blows.size(); i++) {
            blow(svg, blows.get(i), TOP + LANE * workers.size() + BLOW * i);
        }
        long step = 1 + TimeUnit.NANOSECONDS.toSeconds(to - from) / MOST_LABELS;
        for (long second = 0; from + TimeUnit.SECONDS.toNanos(second) < to; second += step) {
            double x = x(from + TimeUnit.SECONDS.toNanos(second));
            svg.append(format("<text x='%.1f' y='%d' text-anchor='middle'>%d s</text>%n", x, height - 14, second));
        }
        return svg.append("</svg>\n").toString();
    }

    private void fault(StringBuilder svg, int height) {
        Event begin = findings.begin();
        if (begin == null) {
            return;
        }
        long healed = events.stream()
                .filter(event -> event.type() == EventType.HEALED && event.nanos() > begin.nanos())
                .mapToLong(Event::nanos)
                .filter(at -> at < to)
                .findFirst()
                .orElse(to);
        double x = x(begin.nanos());
        svg.append(format(
                "<rect class='fault' x='%.1f' y='%d' width='%.1f' height='%d'/>%n",
                x, TOP - 6, Math.max(2, x(healed) - x), height - TOP - 26));
    }

    /** Each of several faults that strike at once. */
    private List<Event> blows() {
        Event begin = findings.begin();
        return begin == null || !findings.fault().contains("+")
                ? List.of()
                : events.stream()
                        .filter(event -> event.type() == EventType.STRUCK
                                && event.nanos() > begin.nanos()
                                && event.nanos() < to
                                && List.of(findings.fault().split("\\+", -1)).contains(event.field(0)))
                        .toList();
    }

    private void blow(StringBuilder svg, Event blow, int y) {
        long mended = events.stream()
                .filter(event -> event.type() == EventType.MENDED
                        && event.nanos() > blow.nanos()
                        && event.field(0).equals(blow.field(0)))
                .mapToLong(Event::nanos)
                .findFirst()
                .orElse(to);
        double x = x(Math.max(from, blow.nanos()));
        svg.append(format(
                "<rect class='blow' x='%.1f' y='%d' width='%.1f' height='4'/>%n",
                x, y + 10, Math.max(2, x(Math.min(to, mended)) - x)));
        svg.append(format("<text x='%.1f' y='%d'>%s at %s</text>%n", x, y + 8, blow.field(0), blow.field(1)));
    }

    private void lane(StringBuilder svg, String worker, int y) {
        svg.append(format("<text x='8' y='%d'>%s</text>%n", y + 28, worker));
        svg.append(format(
                "<line class='lane' x1='%d' x2='%d' y1='%d' y2='%d'/>%n",
                LEFT, WIDTH - RIGHT, y + LANE - 6, y + LANE - 6));
        for (long[] pause : pauses(worker)) {
            svg.append(format(
                    "<rect class='stop' x='%.1f' y='%d' width='%.1f' height='%d'/>%n",
                    x(pause[0]), y, x(pause[1]) - x(pause[0]), LANE - 8));
        }
        verdict.runs().stream()
                .filter(run -> isShown(run) && run.worker().equals(worker))
                .forEach(run -> run(svg, run, y, hue(run)));
    }

    private boolean isShown(ObservedRun run) {
        return run.key().equals(shown.key()) && run.lastActive() >= from && run.begun() <= to;
    }

    private List<long[]> pauses(String worker) {
        List<long[]> pauses = new ArrayList<>();
        long stopped = -1;
        for (Event event : events) {
            boolean ofWorker = !event.fields().isEmpty() && event.field(0).equals(worker);
            if (ofWorker && event.type() == EventType.STOP) {
                stopped = event.nanos();
            } else if (ofWorker && event.type() == EventType.CONTINUE && stopped >= 0) {
                if (stopped < to && event.nanos() > from) {
                    pauses.add(new long[] {Math.max(from, stopped), Math.min(to, event.nanos())});
                }
                stopped = -1;
            }
        }
        return pauses;
    }

    private String hue(ObservedRun run) {
        return run.occurrence().equals(shown.occurrence())
                ? "#d6409f"
                : OTHERS.get(occurrences.indexOf(run.occurrence()) % OTHERS.size());
    }

    private void run(StringBuilder svg, ObservedRun run, int y, String hue) {
        double begin = x(Math.max(from, run.begun()));
        svg.append(format(
                "<rect x='%.1f' y='%d' width='%.1f' height='18' rx='3' fill='%s'><title>%s, token %s</title></rect>%n",
                begin,
                y + 14,
                Math.max(3, x(Math.min(to, run.lastActive())) - begin),
                hue,
                run.occurrence(),
                run.token().isPresent() ? run.token().getAsLong() : "none"));
        for (Event effect : run.effects()) {
            if (effect.field(1).equals("file")) {
                mark(svg, effect.nanos(), y + 12, "●", hue);
            } else if (effect.field(1).equals("row")) {
                mark(svg, effect.nanos(), y + 46, "◆", hue);
            }
        }
        mark(svg, run.told(), y + 46, "▼");
        Long killed = run.killed();
        if (killed != null) {
            mark(svg, killed, y + 30, "×", "#dc2626");
        }
    }

    private void mark(StringBuilder svg, @Nullable Event event, int y, String sign) {
        if (event != null) {
            mark(svg, event.nanos(), y, sign, "#e8890c");
        }
    }

    private void mark(StringBuilder svg, long at, int y, String sign, String colour) {
        if (at >= from && at <= to) {
            svg.append(format(
                    "<text x='%.1f' y='%d' text-anchor='middle' style='fill:%s;font-size:14px'>%s</text>%n",
                    x(at), y, colour, sign));
        }
    }

    private double x(long at) {
        return LEFT + (WIDTH - LEFT - RIGHT) * (double) (at - from) / (to - from);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
