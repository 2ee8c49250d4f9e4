package io.hapax.examples;

import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.event.RunOutcome;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.time.Duration;

/** What tests of an application may look like: no server, and time that is moved by hand. */
final class OwnTests {

    private OwnTests() {}

    /** Returns what became of an invoice that a second replica is to send, too. */
    static String sentByTwoReplicas() throws InterruptedException {
        RunRequest invoice = RunRequest.lock("invoice/7").once("send-invoice/7");
        // snippet:test-replicas
        ManualTicker time = new ManualTicker();
        InMemoryLeaseStore memory = new InMemoryLeaseStore(time);
        try (JobGuard one = JobGuard.builder(memory).ticker(time).build();
                JobGuard two =
                        JobGuard.builder(memory.otherClient()).ticker(time).build()) {
            one.run(invoice, run -> "sent");
            RunResult<String> again = two.run(invoice, run -> "sent");
            return again.fold(ran -> "sent twice", refusal -> "refused: " + refusal.verdict()); // DONE
        }
        // end
    }

    /** Returns what happens to a run whose renewals nobody answers. */
    static String notRenewed() throws InterruptedException {
        ManualTicker time = new ManualTicker();
        FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(time));
        // snippet:test-loss
        try (JobGuard guard = JobGuard.builder(store).ticker(time).build()) {
            guard.run(RunRequest.lock("report"), run -> {
                store.failRenewals(); // a FaultyLeaseStore in front of the one in memory
                time.advance(Duration.ofMinutes(1)); // with all that is due meanwhile
                return run.isHeld(); // false
            });
            return "held";
        } catch (LeaseLostException lost) {
            return "lost: " + lost.reason(); // NOT_RENEWED
        }
        // end
    }

    /** Returns how it ends in the calm. */
    static RunOutcome renewed() throws InterruptedException {
        ManualTicker time = new ManualTicker();
        try (JobGuard guard =
                JobGuard.builder(new InMemoryLeaseStore(time)).ticker(time).build()) {
            return guard.run(RunRequest.lock("report"), run -> {
                        time.advance(Duration.ofMinutes(10));
                        return run.isHeld();
                    })
                    .fold(ran -> ran.outcome(), refusal -> RunOutcome.FAILED);
        }
    }
}
