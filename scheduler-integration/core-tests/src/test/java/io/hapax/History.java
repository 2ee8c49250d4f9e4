package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.testkit.LateCalls;
import io.hapax.testkit.LateLeaseStore;
import io.hapax.testkit.LateRunLedger;
import io.hapax.testkit.NoThreads;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One random history: three workers ask, work, end, freeze and wake up, while one call in five is carried out after its caller
 * gave up. The same seed gives the same history.
 */
final class History implements AutoCloseable {

    private static final Duration TTL = RunOptions.DEFAULTS.ttl();
    private static final Duration PACE = Duration.ofSeconds(20);
    private static final int WORKERS = 3;
    private static final int STEPS = 30;
    private static final int ONE_LATE_IN = 5;

    private final Random random;
    private final HistoryClock clock = new HistoryClock();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(clock);
    /** Half of the histories have a ledger. */
    private final @Nullable InMemoryRunLedger fenced;

    private final HistoryJudge judge = new HistoryJudge();
    private final List<Worker> workers = new ArrayList<>();
    private final HistoryScopes scopes;
    private final List<String> log = new ArrayList<>();

    private final HistoryMutant mutant;

    History(long seed, HistoryMutant mutant) {
        this.mutant = mutant;
        this.scopes = new HistoryScopes(judge, mutant);
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
        this.fenced = random.nextInt(2) == 0 ? new InMemoryRunLedger(clock) : null;
        for (int n = 0; n < WORKERS; n++) {
            workers.add(new Worker("w" + n));
        }
    }

    private record Pending(RunRequest request, CompletableFuture<Admission> answer) {}

    private final class Worker {
        final String name;
        final HistoryClock ticker = new HistoryClock();
        final LateLeaseStore store = new LateLeaseStore(memory.otherClient());
        final @Nullable LateRunLedger ledger = fenced == null ? null : new LateRunLedger(fenced.otherClient());
        final HistoryMutant.Attempts attempts = new HistoryMutant.Attempts();
        final List<Pending> pending = new ArrayList<>();
        final List<GuardedRun> runs = new ArrayList<>();
        final JobGuard guard;
        boolean frozen;

        Worker(String name) {
            this.name = name;
            lateOneIn(ONE_LATE_IN);
            JobGuardBuilder builder = JobGuard.builder(mutant.on(store, attempts))
                    .worker(name)
                    .ticker(ticker)
                    .withoutLogging()
                    .threads(mutant.threads(random))
                    .owners(() -> new OwnerId("owner-" + Long.toHexString(random.nextLong())));
            this.guard = (ledger == null ? builder : builder.ledger(mutant.on(ledger))).build();
        }

        List<LateCalls<?>> calls() {
            return ledger == null ? List.of(store.calls()) : List.of(store.calls(), ledger.calls());
        }

        void lateOneIn(int many) {
            calls().forEach(calls -> calls.atRandom(random, many));
        }

        int late() {
            return calls().stream().mapToInt(LateCalls::waiting).sum();
        }

        void carryOut(int which) {
            int left = which;
            for (LateCalls<?> calls : calls()) {
                if (left < calls.waiting()) {
                    calls.carryOut(left);
                    return;
                }
                left -= calls.waiting();
            }
        }

        Watchdog watchdog() {
            return guard.engine().watchdog();
        }

        boolean asksFor(RunRequest request) {
            return pending.stream().anyMatch(other -> other.request().identity().equals(request.identity()));
        }
    }

    /** Returns what was broken, with the steps that led there; empty if nothing was. */
    List<String> play() {
        for (int n = 0; n < STEPS && judge.broken().isEmpty(); n++) {
            step(workers.get(random.nextInt(WORKERS)));
            observe();
        }
        if (judge.broken().isEmpty()) {
            finish();
        }
        return judge.broken();
    }

    List<String> steps() {
        return log;
    }

    private void step(Worker worker) {
        int dice = random.nextInt(20);
        if (dice == 0) {
            takeAway();
        } else if (dice < 6) {
            pass(Duration.ofSeconds(1 + random.nextInt(20)));
        } else if (dice < 9) {
            carryOutOne(worker);
        } else if (worker.frozen) {
            if (random.nextInt(4) == 0) {
                wake(worker);
            }
        } else if (dice < 11) {
            note(worker, "freezes");
            worker.frozen = true;
        } else if (dice == 11 && mayLeave(scopes.innermost())) {
            log.add("the thread leaves " + scopes.leave());
        } else if (dice < 16 || worker.runs.isEmpty()) {
            ask(worker);
        } else {
            end(worker, worker.runs.get(random.nextInt(worker.runs.size())));
        }
    }

    /** Whether the thread may leave it: not if its worker is frozen. */
    private boolean mayLeave(@Nullable GuardedRun entered) {
        return entered != null && workers.stream().noneMatch(worker -> worker.frozen && worker.runs.contains(entered));
    }

    private void note(Worker worker, String what) {
        log.add(worker.name + " " + what);
    }

    private void ask(Worker worker) {
        RunRequest request = request();
        if (worker.asksFor(request)) {
            return;
        }
        note(worker, "asks for " + request);
        worker.attempts.begins(request.identity());
        worker.pending.add(new Pending(request, worker.guard.admitAsync(request)));
    }

    private RunRequest request() {
        Duration patience = Duration.ofMinutes(1 + random.nextInt(2));
        return switch (random.nextInt(fenced == null ? 6 : 9)) {
            case 0 -> RunRequest.lock("plain");
            case 1 -> RunRequest.lock("plain").waitAtMost(patience);
            case 2 -> RunRequest.lock("job").once("job/" + random.nextInt(3));
            case 3 -> RunRequest.lock("job").once("job/" + random.nextInt(3)).waitAtMost(patience);
            case 4 ->
                RunRequest.lock("paced")
                        .tune(options -> options.with("throttle", "1/" + PACE.toSeconds() + "s"))
                        .waitAtMost(patience);
            case 5 ->
                RunRequest.lock("api")
                        .once("api/" + random.nextInt(4))
                        .tune(options -> options.withConcurrency(2))
                        .waitAtMost(patience);
            default ->
                RunRequest.lock("payment")
                        .once("payment/" + random.nextInt(3))
                        .tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        };
    }

    private void end(Worker worker, GuardedRun run) {
        int dice = random.nextInt(4);
        RunOutcome outcome;
        if (dice < 2) {
            // Whoever completes a run has done its work, on this thread or elsewhere.
            judge.begins(run);
            outcome = run.complete();
        } else if (dice == 2) {
            outcome = run.fail(new IllegalStateException("its code failed"));
        } else {
            run.close();
            outcome = RunOutcome.RELEASED;
        }
        note(worker, "ends " + run + ": " + outcome);
        worker.runs.remove(run);
        judge.ended(run, outcome);
    }

    private void carryOutOne(Worker worker) {
        if (worker.late() > 0) {
            note(worker, "has a late call carried out");
            worker.carryOut(random.nextInt(worker.late()));
        }
    }

    /** Moves time from one instant at which a watchdog has something to do to the next. */
    private void pass(Duration time) {
        log.add(time.toSeconds() + " s pass");
        NanoTime target = clock.now().plus(time);
        while (clock.now().isBefore(target)) {
            NanoTime next = target;
            for (Worker worker : workers) {
                NanoTime due = worker.frozen ? null : worker.watchdog().nextDue();
                next = due != null && due.isBefore(next) ? due : next;
            }
            moveTo(next.isBefore(clock.now()) ? clock.now() : next);
        }
    }

    private void moveTo(NanoTime instant) {
        clock.moveTo(instant);
        for (Worker worker : workers) {
            if (!worker.frozen) {
                worker.ticker.moveTo(instant);
                doWhatIsDue(worker);
            }
        }
    }

    private static void doWhatIsDue(Worker worker) {
        NanoTime due = worker.watchdog().nextDue();
        while (due != null && !worker.ticker.now().isBefore(due)) {
            worker.watchdog().pass();
            due = worker.watchdog().nextDue();
        }
    }

    /** Its clock has gone on meanwhile, as a monotonic clock does. */
    private void wake(Worker worker) {
        note(worker, "wakes up after " + clock.now().since(worker.ticker.now()).toSeconds() + " s");
        worker.frozen = false;
        worker.ticker.moveTo(clock.now());
        doWhatIsDue(worker);
    }

    /** An operator believes that a holder is gone. */
    private void takeAway() {
        RunRequest request = request();
        log.add("an operator takes away " + request);
        memory.admin()
                .forceRelease(request.identity())
                .toCompletableFuture()
                .join()
                .ifPresent(judge::takenAway);
    }

    /** Takes the answers that have come, and has everything judged. */
    private void observe() {
        for (Worker worker : workers) {
            for (Iterator<Pending> all = worker.pending.iterator(); all.hasNext(); ) {
                Pending pending = all.next();
                if (pending.answer().isDone()) {
                    all.remove();
                    answered(worker, pending.answer().join());
                }
            }
        }
        judge.look(run -> workers.stream().anyMatch(worker -> !worker.frozen && worker.runs.contains(run)));
    }

    private void answered(Worker worker, Admission admission) {
        if (admission instanceof Admission.Admitted admitted) {
            GuardedRun run = admitted.run();
            note(worker, "is admitted: " + run);
            worker.runs.add(run);
            judge.admitted(run);
            if (random.nextInt(3) > 0 && run.isHeld()) {
                enter(worker, run);
            }
        } else {
            note(worker, "is refused: " + ((Admission.Refused) admission).refusal());
            judge.refused(((Admission.Refused) admission).refusal());
        }
    }

    private void enter(Worker worker, GuardedRun run) {
        // Whoever sends that it begins may be believed to have begun, should it be heard of no more.
        judge.begins(run);
        try {
            scopes.enter(run, random.nextInt(4) > 0 ? OnLeaseLost.INTERRUPT : OnLeaseLost.SIGNAL);
        } catch (LeaseLostException notBegun) {
            note(worker, "does not begin: " + notBegun.reason());
            worker.runs.remove(run);
            judge.ended(run, RunOutcome.RELEASED);
        }
    }

    /** When everything late was carried out, and a ttl has passed, nobody is in the way of anybody any more. */
    private void finish() {
        for (Worker worker : workers) {
            worker.lateOneIn(Integer.MAX_VALUE);
            if (worker.frozen && random.nextBoolean()) {
                wake(worker);
            } else if (worker.frozen) {
                note(worker, "never wakes up");
                worker.runs.clear();
                worker.pending.clear();
            }
        }
        observe();
        while (mayLeave(scopes.innermost())) {
            log.add("the thread leaves " + scopes.leave());
        }
        for (Worker worker : workers) {
            worker.pending.forEach(pending -> pending.answer().cancel(false));
            worker.pending.clear();
            List.copyOf(worker.runs).forEach(run -> end(worker, run));
        }
        for (Worker worker : workers) {
            worker.calls().forEach(LateCalls::carryOutAll);
        }
        // A worker that is dead gives no place back, and one that is reserved late is kept for its time.
        boolean kept = workers.stream()
                .anyMatch(worker -> worker.frozen || worker.store.calls().soFar(LateLeaseStore.Operation.RESERVE) > 0);
        pass(Duration.ofSeconds(3));
        if (!kept) {
            memory.reservations()
                    .orElseThrow()
                    .holders("pace:paced")
                    .toCompletableFuture()
                    .join()
                    .forEach(judge::hasPlace);
        }
        pass(TTL.plusSeconds(1));
        JobGuardBuilder builder = JobGuard.builder(memory.otherClient())
                .ticker(clock)
                .withoutLogging()
                .threads(new NoThreads());
        try (JobGuard last = (fenced == null ? builder : builder.ledger(fenced)).build()) {
            for (String key : List.of("plain", "job", "paced", "api", "payment")) {
                judge.isFree(isFree(last, RunRequest.lock(key)), key);
            }
            for (int n = 0; n < 3; n++) {
                RunRequest job = RunRequest.occurrence("job/" + n);
                judge.isFree(isFree(last, job), job);
                RunRequest payment = RunRequest.lock("payment").once("payment/" + n);
                judge.isFree(isFree(last, payment), payment);
            }
        }
    }

    private boolean isFree(JobGuard guard, RunRequest request) {
        Admission admission = guard.admitAsync(request).join();
        if (admission instanceof Admission.Admitted admitted) {
            admitted.run().close();
            return true;
        }
        Refusal refusal = ((Admission.Refused) admission).refusal();
        judge.refused(refusal);
        return refusal.verdict() == Verdict.DONE || refusal.verdict() == Verdict.ABANDONED;
    }

    @Override
    public void close() {
        scopes.close();
        for (Worker worker : workers) {
            worker.pending.forEach(pending -> pending.answer().cancel(false));
            worker.runs.forEach(GuardedRun::close);
            worker.guard.close();
        }
    }
}
