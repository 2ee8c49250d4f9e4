package io.hapax.examples.micronaut;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.OnConflict;
import io.micronaut.scheduling.annotation.Scheduled;
import jakarta.inject.Singleton;
import java.util.Optional;

/** A shop: mails and prices by {@code @Scheduled}, orders by any caller. */
@Singleton
public class Shop {

    private final Counts counts;
    private final Delivery delivery;

    Shop(Counts counts, Delivery delivery) {
        this.counts = counts;
        this.delivery = delivery;
    }

    /** Sends mails: each firing once, although each replica has a scheduler of its own. */
    // snippet:micronaut-method
    @Scheduled(cron = "* * * * * *", zoneId = "UTC")
    @Guarded
    void sendMails() {
        counts.did("mails of " + CurrentRun.find().map(run -> run.identity().runKey()));
    }
    // end

    /** Updates prices: once in each period in all replicas together, whenever each has started. */
    @Scheduled(fixedRate = "500ms")
    @Guarded
    void updatePrices() {
        counts.did("prices");
    }

    /**
     * Ships an order once, and never two of one customer at a time.
     *
     * @param customer whose
     * @param order which
     * @return the parcel's number; empty if it is shipped already, or another order of the customer is being shipped
     */
    @Guarded(key = "customer/%{customer}", once = "order/%{order}")
    public Optional<String> ship(int customer, int order) {
        delivery.deliver(order);
        counts.did("order " + order);
        return Optional.of("parcel-" + order);
    }

    /**
     * Counts what is in stock.
     *
     * @return how much
     */
    @Guarded(key = "stock", onConflict = OnConflict.FAIL)
    public int countStock() {
        delivery.deliver(0);
        return 7;
    }
}
