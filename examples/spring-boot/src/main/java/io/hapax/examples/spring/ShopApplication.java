package io.hapax.examples.spring;

import io.hapax.Guarded;
import io.hapax.LockMode;
import org.jobrunr.storage.StorageProvider;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** A shop: mails by Quartz, orders by JobRunr, a price list by {@code @Scheduled}. */
@SpringBootApplication
@EnableScheduling
public class ShopApplication {

    /** Created by Spring. */
    public ShopApplication() {}

    @Bean
    Orders orders(Counts counts) {
        return new Orders(counts);
    }

    @Bean
    Prices prices(Counts counts) {
        return new Prices(counts);
    }

    /** All replicas share what one of them keeps; an application has a database here. */
    @Bean(destroyMethod = "")
    StorageProvider storageProvider(Counts counts) {
        return counts.storage();
    }

    @Bean
    JobDetail mails() {
        return JobBuilder.newJob(Mails.class)
                .withIdentity("mails")
                .storeDurably()
                .build();
    }

    @Bean
    Trigger eachSecond(JobDetail mails) {
        return TriggerBuilder.newTrigger()
                .withIdentity("each-second")
                .forJob(mails)
                .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                .build();
    }

    /** Each firing sends mails once, although each replica has a scheduler of its own in memory. */
    public static class Mails implements Job {

        @Autowired
        private Counts counts;

        /** Created by Quartz, wired by Spring. */
        public Mails() {}

        @Override
        public void execute(JobExecutionContext context) {
            counts.did("mails of " + context.getScheduledFireTime().toInstant());
        }
    }

    /** Called by JobRunr. */
    public static class Orders {

        private final Counts counts;

        Orders(Counts counts) {
            this.counts = counts;
        }

        /**
         * Ships an order once, however often it is queued, and never two of one customer at a time.
         *
         * @param customer whose
         * @param order which
         */
        // snippet:spring-boot-job
        @Guarded(key = "customer/%0", once = "order/%1")
        public void ship(int customer, int order) {
            counts.did("order " + order);
        }
        // end

        /**
         * Imports a file; while it is queued or running, it is not queued again.
         *
         * @param file which
         */
        // snippet:lock-mode
        @Guarded(key = "import/%0", mode = LockMode.UNTIL_EXECUTED, uniqueFor = "6h")
        public void importFile(String file) {
            counts.did("import of " + file);
        }
        // end
    }

    /** Called by Spring. */
    public static class Prices {

        private final Counts counts;

        Prices(Counts counts) {
            this.counts = counts;
        }

        /** Updates the price list: one replica at a time, and not more often than every 2 s in all of them together. */
        // snippet:spring-boot-method
        @Scheduled(fixedRate = 500)
        @Guarded(key = "prices", throttle = "1/2s")
        public void update() {
            counts.did("prices at " + counts.seconds());
        }
        // end
    }
}
