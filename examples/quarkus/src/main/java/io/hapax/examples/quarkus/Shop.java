package io.hapax.examples.quarkus;

import io.hapax.Guarded;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.ScheduledExecution;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;

/** A shop: mails by the scheduler, orders by any caller. */
@ApplicationScoped
public class Shop {

    private final Journal journal;

    Shop(Journal journal) {
        this.journal = journal;
    }

    /**
     * Sends mails: each firing once, although each replica has a scheduler of its own.
     *
     * @param firing which
     */
    // snippet:quarkus-method
    @Scheduled(cron = "* * * * * ?", identity = "mails")
    void sendMails(ScheduledExecution firing) {
        journal.did("mails of " + firing.getScheduledFireTime());
    }
    // end

    /**
     * Ships an order once, and never two of one customer at a time.
     *
     * @param customer whose
     * @param order which
     * @return the parcel's number; empty if it is shipped already, or another order of the customer is being shipped
     */
    @Guarded(key = "customer/%{customer}", once = "order/%{order}")
    public Optional<String> ship(int customer, int order) {
        journal.awaitPacked(order);
        journal.did("order " + order);
        return Optional.of("parcel-" + order);
    }
}
