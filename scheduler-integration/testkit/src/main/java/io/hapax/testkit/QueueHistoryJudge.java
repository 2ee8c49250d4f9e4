package io.hapax.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The reference model of a {@link QueueHistory}, and of one that is live: which jobs are there, and what follows for those who ask. */
final class QueueHistoryJudge {

    private static final Duration AT_ONCE = Duration.ofMillis(10);

    private static final class Job {
        private final String work;
        private boolean present = true;
        private boolean ending;
        private boolean excused;
        private boolean mayRunAgain;
        private int successes;
        private int lastSeen;

        Job(String work) {
            this.work = work;
        }
    }

    /** One attempt to queue something. */
    static final class Call {
        private final String work;
        private final int began;

        Call(String work, int began) {
            this.work = work;
            this.began = began;
        }
    }

    private final Map<String, Job> jobs = new LinkedHashMap<>();
    /** Also those that are not stored yet. */
    private final List<String> excused = new ArrayList<>();

    /** The limits of the active runs. */
    private final List<Integer> inside = new ArrayList<>();

    private int step;
    private @Nullable String wrong;

    @Nullable
    String wrong() {
        return wrong;
    }

    private void found(String what) {
        wrong = wrong == null ? what : wrong;
    }

    Call begins(String work) {
        return new Call(work, step++);
    }

    void stored(String id, String work) {
        step++;
        Job job = new Job(work);
        jobs.forEach((other, there) -> {
            if (there.present && !there.ending && there.work.equals(work) && !there.excused && !excused.contains(id)) {
                found("queued twice: " + id + " is stored while " + other + " for the same work is there");
            }
        });
        job.excused = excused.contains(id);
        jobs.put(id, job);
    }

    void excused(String id) {
        excused.add(id);
        Job job = jobs.get(id);
        if (job != null) {
            job.excused = true;
        }
    }

    void requeued(String id) {
        Job job = jobs.get(id);
        if (job != null && !job.present) {
            job.present = true;
            // A person who queues it again asks nobody.
            job.excused = true;
            job.mayRunAgain = true;
        }
    }

    /** It may leave the queue at any moment from now on. */
    void ending(String id) {
        Job job = jobs.get(id);
        if (job != null) {
            job.ending = true;
        }
    }

    void ended(String id, boolean succeeded) {
        Job job = jobs.get(id);
        if (job == null) {
            return;
        }
        job.present = false;
        job.lastSeen = step++;
        if (succeeded && job.successes++ > 0 && !job.mayRunAgain) {
            found("done twice: " + id);
        }
    }

    /** A refusal needs a job for the same work, at some time between the question and the answer. */
    void answered(Call call, boolean refused, boolean counts) {
        step++;
        if (!refused || !counts) {
            return;
        }
        boolean justified = jobs.values().stream()
                .anyMatch(job -> job.work.equals(call.work) && (job.present || job.lastSeen >= call.began));
        if (!justified) {
            found("lost: work for " + call.work + " was refused, and no job for it was there");
        }
    }

    /** No active run sees more active runs than its own limit. */
    void enters(int limit) {
        inside.add(limit);
        if (inside.size() > Collections.min(inside)) {
            found("more at once than one of these limits: " + inside);
        }
    }

    void leaves(int limit) {
        inside.remove((Integer) limit);
    }

    void nothingIsLeft(List<String> due) {
        if (!due.isEmpty()) {
            found("never done: " + due);
        }
        jobs.forEach((id, job) -> {
            if (job.present && !job.ending) {
                found("lost: " + id + " was stored and never ended");
            }
        });
    }

    void entersAtOnce(String work, Duration waited) {
        boolean queued = jobs.values().stream().anyMatch(job -> job.present && job.work.equals(work));
        if (!queued || waited.compareTo(AT_ONCE) > 0) {
            found("a place outlives its job: " + work + " was " + (queued ? "queued after " + waited : "refused"));
        }
    }

    /** Nothing is queued or running, so nothing may block for long. */
    void refusedAtTheEnd(String work) {
        found("a place outlives its job: " + work + " was refused");
    }

    /** Jobs that are queued or running. */
    List<String> present() {
        return jobs.entrySet().stream()
                .filter(job -> job.getValue().present && !job.getValue().ending)
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Jobs that were stored. */
    List<String> known() {
        return List.copyOf(jobs.keySet());
    }

    List<String> succeeded() {
        return jobs.entrySet().stream()
                .filter(job -> !job.getValue().present && job.getValue().successes > 0)
                .map(Map.Entry::getKey)
                .toList();
    }
}
