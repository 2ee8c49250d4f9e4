package io.hapax;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The runs that the one thread of a history is within, each inside of the one before. */
final class HistoryScopes implements AutoCloseable {

    private record Entered(GuardedRun run, OnLeaseLost how, GuardedRun.Scope scope) {}

    private final HistoryJudge judge;
    private final boolean clearsInterrupts;
    private final Deque<Entered> entered = new ArrayDeque<>();

    HistoryScopes(HistoryJudge judge, HistoryMutant mutant) {
        this.judge = judge;
        this.clearsInterrupts = mutant == HistoryMutant.CLEARS_INTERRUPTS;
    }

    /** @throws LeaseLostException if the run does not begin */
    void enter(GuardedRun run, OnLeaseLost how) {
        entered.push(new Entered(run, how, run.enter(how)));
        judge.entered(run);
    }

    /** Returns the run that the thread may leave; null if it is within none. */
    @Nullable
    GuardedRun innermost() {
        return entered.isEmpty() ? null : entered.getFirst().run();
    }

    /** Leaves the innermost run, which goes on elsewhere. */
    GuardedRun leave() {
        Entered left = entered.pop();
        left.scope().close();
        if (clearsInterrupts && isInterrupted(left)) {
            boolean unused = Thread.interrupted();
        }
        judge.left(Thread.currentThread().isInterrupted(), entered.stream().anyMatch(this::isInterrupted), left.run());
        return left.run();
    }

    /** By a loss that shows only when the run ends nobody is interrupted: its work is over. */
    private boolean isInterrupted(Entered one) {
        return one.how() == OnLeaseLost.INTERRUPT
                && judge.wasTold(one.run())
                && !one.run().hasEnded();
    }

    @Override
    public void close() {
        while (!entered.isEmpty()) {
            entered.pop().scope().close();
        }
        boolean unused = Thread.interrupted();
    }
}
