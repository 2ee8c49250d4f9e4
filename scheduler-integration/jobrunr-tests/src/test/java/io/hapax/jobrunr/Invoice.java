package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.OnConflict;
import org.jobrunr.jobs.annotations.Job;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;

/** A job request with a nested record. */
record Invoice(String journal, Customer customer) implements JobRequest {

    record Customer(int id) {}

    @Override
    public Class<Handler> getJobRequestHandler() {
        return Handler.class;
    }

    public static final class Handler implements JobRequestHandler<Invoice> {

        @Override
        @Job(retries = 0)
        @Guarded(key = "customer/%0.customer.id", onConflict = OnConflict.SKIP)
        public void run(Invoice invoice) throws Exception {
            new Work().run(invoice.journal());
        }
    }
}
