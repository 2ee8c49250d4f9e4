package io.hapax.testkit;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import io.hapax.test.ForwardingRunLedger;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A ledger with one planted flaw, for the contract to find. */
final class BrokenRunLedger extends ForwardingRunLedger {

    enum Flaw {
        COMPLETES_FOR_ANYBODY,
        COMPLETES_TWICE_IN_TRANSACTIONS,
        TOKEN_DOES_NOT_GROW,
        IGNORES_THE_LEASE,
        ABANDONS_WHAT_NEVER_BEGAN,
        NEVER_BEGINS,
        FORGETS_COMPLETIONS,
        RENEWS_ANYTHING,
        RENEWS_IN_WRONG_ORDER,
        WITHDRAWS_ANYBODY,
        RERUNS_THE_ABANDONED,
        LIVES_FOR_EVER,
        SAME_RUN_IS_NEVER_TOLD,
        AGREES_TO_ANYTHING,
        RESOLVES_WITHOUT_A_TRACE,
        FINDS_OCCURRENCES_IN_ANY_STATE,
        FINDS_THE_YOUNG_AS_WELL
    }

    private final Flaw flaw;

    BrokenRunLedger(RunLedger ledger, Flaw flaw) {
        super(ledger);
        this.flaw = flaw;
    }

    @Override
    public CompletionStage<Claim> claim(ClaimRequest request) {
        AfterCrash afterCrash = flaw == Flaw.RERUNS_THE_ABANDONED ? AfterCrash.RERUN : request.afterCrash();
        Duration ttl = flaw == Flaw.LIVES_FOR_EVER ? Duration.ofDays(1) : request.ttl();
        ClaimRequest sent = new ClaimRequest(
                request.identity(),
                request.owner(),
                request.worker(),
                ttl,
                afterCrash,
                request.retention(),
                flaw == Flaw.IGNORES_THE_LEASE ? null : request.seen());
        return ledger().claim(sent).thenCompose(answer -> {
            boolean begins = flaw == Flaw.ABANDONS_WHAT_NEVER_BEGAN && answer instanceof Claim.Claimed;
            Claim told = broken(request, answer);
            return begins
                    ? ledger().begin(((Claim.Claimed) answer).lease()).thenApply(noted -> told)
                    : CompletableFuture.completedFuture(told);
        });
    }

    private Claim broken(ClaimRequest request, Claim answer) {
        if (flaw == Flaw.TOKEN_DOES_NOT_GROW && answer instanceof Claim.Claimed claimed) {
            return new Claim.Claimed(withToken(claimed.lease(), 7), claimed.attempt());
        }
        if (flaw == Flaw.SAME_RUN_IS_NEVER_TOLD && answer instanceof Claim.Held held) {
            return new Claim.Held(held.holder(), false, held.ttlLeft());
        }
        if (flaw == Flaw.FORGETS_COMPLETIONS && answer instanceof Claim.Done done) {
            Lease lease = new Lease(
                    request.identity(),
                    request.owner(),
                    done.by().token(),
                    request.worker(),
                    request.ttl(),
                    done.by().since());
            return new Claim.Claimed(lease, 1);
        }
        return answer;
    }

    private static Lease withToken(Lease lease, long token) {
        return new Lease(
                lease.identity(), lease.owner(), new FencingToken(token), lease.worker(), lease.ttl(), lease.since());
    }

    @Override
    public CompletionStage<Completion> begin(Lease claim) {
        if (flaw == Flaw.NEVER_BEGINS) {
            return CompletableFuture.completedFuture(Completion.NOTED);
        }
        return ledger().begin(claim);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> claims) {
        return ledger().renew(claims).thenApply(answers -> {
            List<Renewal> changed = new ArrayList<>(answers);
            if (flaw == Flaw.RENEWS_IN_WRONG_ORDER) {
                Collections.rotate(changed, 1);
            }
            if (flaw == Flaw.RENEWS_ANYTHING) {
                changed.replaceAll(answer -> new Renewal.Renewed(false));
            }
            return changed;
        });
    }

    @Override
    public CompletionStage<Completion> complete(Lease claim) {
        if (flaw == Flaw.COMPLETES_FOR_ANYBODY) {
            return CompletableFuture.completedFuture(Completion.NOTED);
        }
        return ledger().complete(claim);
    }

    @Override
    public Completion completeIn(Connection connection, Lease claim) throws SQLException {
        if (flaw == Flaw.COMPLETES_TWICE_IN_TRANSACTIONS) {
            return ledger().complete(claim).toCompletableFuture().join();
        }
        return ledger().completeIn(connection, claim);
    }

    @Override
    public CompletionStage<Void> withdraw(ClaimRequest request) {
        if (flaw != Flaw.WITHDRAWS_ANYBODY) {
            return ledger().withdraw(request);
        }
        return ledger().entry(request.identity())
                .thenCompose(entry -> ledger().withdraw(new ClaimRequest(
                        request.identity(),
                        entry.orElseThrow().owner(),
                        request.worker(),
                        request.ttl(),
                        request.afterCrash(),
                        request.retention())));
    }

    @Override
    public CompletionStage<List<LedgerEntry>> entries(LedgerQuery query) {
        Set<RunState> states = flaw == Flaw.FINDS_OCCURRENCES_IN_ANY_STATE ? Set.of(RunState.values()) : query.states();
        Duration olderThan = flaw == Flaw.FINDS_THE_YOUNG_AS_WELL ? Duration.ZERO : query.olderThan();
        return ledger().entries(new LedgerQuery(states, query.text(), olderThan, query.atMost()));
    }

    @Override
    public CompletionStage<List<AuditEntry>> audit(int atMost) {
        return flaw == Flaw.RESOLVES_WITHOUT_A_TRACE
                ? CompletableFuture.completedFuture(List.of())
                : ledger().audit(atMost);
    }

    @Override
    public void agree(String fingerprint) {
        if (flaw != Flaw.AGREES_TO_ANYTHING) {
            ledger().agree(fingerprint);
        }
    }
}
