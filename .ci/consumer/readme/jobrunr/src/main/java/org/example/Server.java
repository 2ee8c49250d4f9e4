package org.example;

import static org.jobrunr.server.BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration;

import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import org.h2.jdbcx.JdbcDataSource;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.configuration.JobRunrConfiguration.JobRunrConfigurationResult;
import org.jobrunr.scheduling.BackgroundJob;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.sql.h2.H2StorageProvider;

/** A server. Arguments: the port of the database, how many seconds, how many orders it enqueues, each of them twice. */
public final class Server {

    public static void main(String[] args) throws Exception {
        JdbcDataSource database = new JdbcDataSource();
        database.setURL("jdbc:h2:tcp://127.0.0.1:" + args[0] + "/jobs");
        start(
                "redis://localhost:6379",
                new H2StorageProvider(database),
                usingStandardBackgroundJobServerConfiguration().andPollIntervalInSeconds(5));
        System.out.println("ready");
        for (int order = 1; order <= Integer.parseInt(args[2]); order++) {
            int number = order;
            int customer = order % 3;
            BackgroundJob.<Orders>enqueue(orders -> orders.process(customer, number));
            BackgroundJob.<Orders>enqueue(orders -> orders.process(customer, number));
        }
        Thread.sleep(Long.parseLong(args[1]) * 1_000);
        JobRunr.destroy();
        System.exit(0);
    }

    private static JobRunrConfigurationResult start(
            String redisUrl, StorageProvider storage, BackgroundJobServerConfiguration polling) {
@START@
    }
}
