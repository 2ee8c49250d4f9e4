package io.hapax.test;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.test.Fault.Kind;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * A lease store that misbehaves on command, around one that does not. It also counts calls, those that fail included.
 *
 * <p>Three things can happen to a call: it <em>fails</em> without being sent; it <em>hangs</em>, so that nothing is
 * sent and the stage stays open until {@link #timeOut()}; or its answer is <em>lost</em>: it is carried out, then the
 * stage fails. Each lasts until {@link #healthy()}, or for the given number of calls. Thread-safe.
 */
public final class FaultyLeaseStore extends ForwardingLeaseStore {

    private final Fault acquire = new Fault("acquire");
    private final Fault renew = new Fault("renew");
    private final Fault release = new Fault("release");
    private final Fault withdraw = new Fault("withdraw");
    private volatile Duration answerTimeout;

    /**
     * Creates a store without faults yet.
     *
     * @param store the store that carries out what gets through; closed with this one
     */
    public FaultyLeaseStore(LeaseStore store) {
        super(store);
        this.answerTimeout = store.answerTimeout();
    }

    /**
     * Changes what {@link #answerTimeout()} tells.
     *
     * @param timeout the timeout from now on
     * @return this store
     */
    public FaultyLeaseStore answerTimeout(Duration timeout) {
        answerTimeout = timeout;
        return this;
    }

    /** Fails each acquire without sending it. */
    public void failAcquires() {
        acquire.always(Kind.FAIL);
    }

    /**
     * Fails the next acquires without sending them.
     *
     * @param times how many
     */
    public void failAcquires(int times) {
        acquire.times(Kind.FAIL, times);
    }

    /** Lets each acquire hang without sending it. */
    public void hangAcquires() {
        acquire.always(Kind.HANG);
    }

    /** Carries out each acquire and loses the answer. */
    public void loseAcquireAnswers() {
        acquire.always(Kind.LOSE_ANSWER);
    }

    /**
     * Carries out the next acquires and loses their answers.
     *
     * @param times how many
     */
    public void loseAcquireAnswers(int times) {
        acquire.times(Kind.LOSE_ANSWER, times);
    }

    /** Fails each renewal without sending it. */
    public void failRenewals() {
        renew.always(Kind.FAIL);
    }

    /**
     * Fails the next renewals without sending them.
     *
     * @param times how many
     */
    public void failRenewals(int times) {
        renew.times(Kind.FAIL, times);
    }

    /** Lets each renewal hang without sending it. */
    public void hangRenewals() {
        renew.always(Kind.HANG);
    }

    /**
     * Lets the next renewals hang without sending them.
     *
     * @param times how many
     */
    public void hangRenewals(int times) {
        renew.times(Kind.HANG, times);
    }

    /** Carries out each renewal and loses the answer. */
    public void loseRenewalAnswers() {
        renew.always(Kind.LOSE_ANSWER);
    }

    /** Fails each release without sending it. */
    public void failReleases() {
        release.always(Kind.FAIL);
    }

    /**
     * Fails the next releases without sending them.
     *
     * @param times how many
     */
    public void failReleases(int times) {
        release.times(Kind.FAIL, times);
    }

    /** Lets each release hang without sending it. */
    public void hangReleases() {
        release.always(Kind.HANG);
    }

    /** Carries out each release and loses the answer. */
    public void loseReleaseAnswers() {
        release.always(Kind.LOSE_ANSWER);
    }

    /**
     * Carries out the next releases and loses their answers.
     *
     * @param times how many
     */
    public void loseReleaseAnswers(int times) {
        release.times(Kind.LOSE_ANSWER, times);
    }

    /** Fails each call that sends something: acquire, renew, release, withdraw. */
    public void failEverything() {
        List.of(acquire, renew, release, withdraw).forEach(fault -> fault.always(Kind.FAIL));
    }

    /** Lets later calls through. What hangs goes on hanging. */
    public void healthy() {
        List.of(acquire, renew, release, withdraw).forEach(fault -> fault.always(Kind.NONE));
    }

    /** Fails the calls that hang, as a real store does at the end of its answer timeout. */
    public void timeOut() {
        List.of(acquire, renew, release, withdraw).forEach(Fault::timeOut);
    }

    /**
     * Counts calls.
     *
     * @return the number of calls of {@link #acquire}
     */
    public int acquireCalls() {
        return acquire.calls();
    }

    /**
     * Counts calls.
     *
     * @return the number of calls of {@link #renew}, each a batch
     */
    public int renewCalls() {
        return renew.calls();
    }

    /**
     * Counts calls.
     *
     * @return the number of calls of {@link #release}
     */
    public int releaseCalls() {
        return release.calls();
    }

    /**
     * Counts calls.
     *
     * @return the number of calls of {@link #withdraw}
     */
    public int withdrawCalls() {
        return withdraw.calls();
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        return acquire.apply(() -> store().acquire(request));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return renew.apply(() -> store().renew(leases));
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return release.apply(() -> store().release(lease, ending));
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return withdraw.apply(() -> store().withdraw(request));
    }

    @Override
    public Duration answerTimeout() {
        return answerTimeout;
    }
}
