package io.hapax;

import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One random history of guards that are closed or shut down, with their stores, while runs are admitted that have not begun, at
 * work, or over. Whoever completes under its lease has completed, what does not begin is free after a ttl, and each guard ends.
 */
final class ClosingHistory {

    /** A hole that was found once, brought back. */
    enum Mutant {
        NONE,
        /** What was admitted is known to its guard only from its beginning on. */
        FORGETS_THE_ADMITTED,
        /** What was admitted and does not begin is kept for as long as its guard is there. */
        WAITS_FOR_EVER
    }

    private static final Duration TTL = RunOptions.DEFAULTS.ttl();
    private static final int STEPS = 30;
    private static final int OCCURRENCES = 4;

    private final Mutant mutant;
    private final Random random;
    private final HistoryClock clock = new HistoryClock();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(clock);
    /** Half of the histories have a ledger. */
    private final @Nullable InMemoryRunLedger fenced;

    private final List<Worker> workers = new ArrayList<>();
    private final Set<String> done = new HashSet<>();
    private final List<String> broken = new ArrayList<>();
    private final List<String> log = new ArrayList<>();

    ClosingHistory(long seed, Mutant mutant) {
        this.mutant = mutant;
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.fenced = random.nextBoolean() ? new InMemoryRunLedger(clock) : null;
        workers.add(new Worker());
        workers.add(new Worker());
    }

    /** Knows whether its guard is over. */
    private static final class ClosableStore extends ForwardingLeaseStore {
        private boolean closed;

        ClosableStore(LeaseStore store) {
            super(store);
        }

        @Override
        public void close() {
            closed = true;
            super.close();
        }
    }

    private final class Worker {
        private final String name = "w" + workers.size();
        private final ClosableStore store = new ClosableStore(memory.otherClient());
        private final HistoryThreads threads = new HistoryThreads(null);
        private final List<GuardedRun> admitted = new ArrayList<>();
        private final JobGuard guard;
        private boolean closed;

        Worker() {
            JobGuardBuilder builder = JobGuard.builder(store)
                    .worker(name)
                    .ticker(clock)
                    .withoutLogging()
                    .closesStore()
                    .threads(threads);
            this.guard = (fenced == null ? builder : builder.ledger(fenced.otherClient())).build();
        }

        Watchdog watchdog() {
            return guard.engine().watchdog();
        }

        void isAdmitted(GuardedRun run) {
            admitted.add(run);
            if (mutant == Mutant.FORGETS_THE_ADMITTED) {
                forget(run);
            } else if (mutant == Mutant.WAITS_FOR_EVER) {
                forget(run);
                watchdog().add(new Forever(run), clock.now().plus(Duration.ofDays(1)));
            }
        }

        private void forget(GuardedRun run) {
            watchdog().all().stream().filter(charge -> charge.run() == run).forEach(watchdog()::remove);
        }

        /** The watchdog's thread has nothing to wait for any more. */
        void endIfOver() {
            if (closed && watchdog().size() == 0) {
                threads.runKept();
            }
        }
    }

    /** A run that nobody gives back. */
    private static final class Forever extends Charge {
        private final GuardedRun run;

        Forever(GuardedRun run) {
            this.run = run;
        }

        @Override
        Action act(NanoTime now) {
            return new Action(false, now.plus(Duration.ofDays(1)));
        }

        @Override
        Duration ttl() {
            return TTL;
        }

        @Override
        boolean isRun() {
            return true;
        }

        @Override
        GuardedRun run() {
            return run;
        }
    }

    private void require(boolean kept, String promise, Object of) {
        if (!kept) {
            broken.add(promise + ": " + of);
        }
    }

    /** Returns what was broken, with the steps that led there; empty if nothing was. */
    List<String> play() {
        try {
            for (int n = 0; n < STEPS && broken.isEmpty(); n++) {
                step(workers.get(random.nextInt(workers.size())));
            }
            if (broken.isEmpty()) {
                finish();
            }
        } finally {
            boolean unused = Thread.interrupted();
        }
        if (!broken.isEmpty()) {
            broken.addAll(log);
        }
        return broken;
    }

    private void step(Worker worker) {
        int dice = random.nextInt(10);
        if (dice < 3) {
            ask(worker);
        } else if (dice < 5) {
            pass(Duration.ofMillis(random.nextInt(20_000)));
        } else if (dice < 7 && !worker.closed) {
            stop(worker);
        } else if (!worker.admitted.isEmpty()) {
            work(worker, worker.admitted.remove(random.nextInt(worker.admitted.size())));
        }
    }

    private static RunRequest request(int occurrence) {
        // A lock key of its own, or none.
        String key = "job/" + occurrence;
        return occurrence % 2 == 0
                ? RunRequest.occurrence(key)
                : RunRequest.lock("lock of " + key).once(key);
    }

    private static String key(GuardedRun run) {
        return run.identity().run().orElseThrow().value();
    }

    private void ask(Worker worker) {
        Admission answer =
                worker.guard.admitAsync(request(random.nextInt(OCCURRENCES))).join();
        if (answer instanceof Admission.Admitted admitted) {
            log.add(worker.name + " is admitted: " + admitted.run());
            require(!done.contains(key(admitted.run())), "an occurrence that is done is not run again", admitted.run());
            require(!worker.closed, "a guard that was closed admits nobody", admitted.run());
            worker.isAdmitted(admitted.run());
        }
    }

    /** Another one takes its place. */
    private void stop(Worker worker) {
        worker.closed = true;
        // None of its runs is at work on another thread, so that nobody waits here; nor for what waits for ever.
        boolean atOnce = random.nextInt(3) == 0 && mutant != Mutant.WAITS_FOR_EVER;
        log.add(worker.name + (atOnce ? " is shut down" : " is closed"));
        if (atOnce) {
            require(
                    isShutDown(worker.guard),
                    "a guard that is shut down waits for nobody who has not begun",
                    worker.name);
            worker.admitted.forEach(run -> require(!run.isHeld(), "a guard that is shut down gives back", run));
        } else {
            worker.guard.close();
        }
        worker.endIfOver();
        workers.add(new Worker());
    }

    private static boolean isShutDown(JobGuard guard) {
        try {
            return guard.shutdown(Duration.ZERO);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void work(Worker worker, GuardedRun run) {
        boolean held = run.isHeld();
        GuardedRun.Scope scope;
        try {
            scope = run.enter();
        } catch (LeaseLostException lapsed) {
            log.add(worker.name + " does not begin: " + run);
            require(!held, "what holds its lease may begin", run);
            run.close();
            return;
        }
        try (scope) {
            log.add(worker.name + " works on " + run);
            if (random.nextInt(3) == 0) {
                pass(Duration.ofMillis(random.nextInt(20_000)));
            }
            if (random.nextInt(4) == 0 && !worker.closed) {
                stop(worker);
            }
            end(worker, run);
        }
        worker.endIfOver();
    }

    private void end(Worker worker, GuardedRun run) {
        if (random.nextInt(3) == 0) {
            log.add(worker.name + " fails: " + run);
            run.fail(new IllegalStateException("its code failed"));
            return;
        }
        boolean held = run.isHeld();
        RunOutcome outcome = run.complete();
        log.add(worker.name + " ends " + run + ": " + outcome);
        require(!held || outcome == RunOutcome.COMPLETED, "whoever completes under its lease has completed", run);
        if (held) {
            done.add(key(run));
        }
    }

    /** Moves time from one instant at which a watchdog has something to do to the next. */
    private void pass(Duration time) {
        log.add(time.toMillis() + " ms pass");
        NanoTime target = clock.now().plus(time);
        while (clock.now().isBefore(target)) {
            NanoTime next = target;
            for (Worker worker : workers) {
                NanoTime due = worker.watchdog().nextDue();
                next = due != null && due.isBefore(next) ? due : next;
            }
            clock.moveTo(next.isBefore(clock.now()) ? clock.now() : next);
            workers.forEach(this::doWhatIsDue);
        }
    }

    private void doWhatIsDue(Worker worker) {
        for (NanoTime due = worker.watchdog().nextDue();
                due != null && !clock.now().isBefore(due);
                due = worker.watchdog().nextDue()) {
            worker.watchdog().pass();
        }
        worker.endIfOver();
    }

    /** What was admitted and never begins is free after a ttl, and nothing of a closed guard is left then. */
    private void finish() {
        for (Worker worker : List.copyOf(workers)) {
            if (!worker.closed) {
                worker.closed = true;
                worker.guard.close();
                worker.endIfOver();
            }
        }
        pass(TTL.plusSeconds(1));
        for (Worker worker : workers) {
            require(
                    worker.guard.activeRuns() == 0,
                    "nothing counts for longer than a ttl without beginning",
                    worker.name);
            require(worker.store.closed, "a guard that was closed ends with its last run", worker.name);
        }
        workers.clear();
        Worker last = new Worker();
        for (int n = 0; n < OCCURRENCES; n++) {
            Admission answer = last.guard.admitAsync(request(n)).join();
            boolean over = answer instanceof Admission.Refused refused
                    && refused.refusal().verdict() == Verdict.DONE;
            require(over == done.contains("job/" + n), "done is done, and what did not begin is free", answer);
        }
    }
}
