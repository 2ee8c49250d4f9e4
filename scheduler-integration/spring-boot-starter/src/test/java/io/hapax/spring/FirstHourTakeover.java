package io.hapax.spring;

import io.hapax.Guarded;
import java.util.concurrent.CountDownLatch;
import org.jobrunr.scheduling.JobScheduler;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** A replica with a server of JobRunr. The first one never gets its job done; the other ends when it has done that. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class FirstHourTakeover {

    private static final String FIRST = "shop.first";

    /** Not in the bean, in front of which is a proxy. */
    private static final CountDownLatch SHIPPED = new CountDownLatch(1);

    /** Created by Spring. */
    FirstHourTakeover() {}

    /** A bean whose method is a job. */
    public static class Orders {

        private final boolean isFirst;

        Orders(boolean isFirst) {
            this.isFirst = isFirst;
        }

        @Guarded(key = "orders/%0")
        public void ship(int order) throws InterruptedException {
            System.out.println("ships " + order);
            if (isFirst) {
                SHIPPED.await();
            }
            SHIPPED.countDown();
        }
    }

    @Bean
    Orders orders(Environment settings) {
        return new Orders(settings.containsProperty(FIRST));
    }

    /** Its arguments are settings. */
    public static void main(String[] settings) throws Exception {
        try (ConfigurableApplicationContext context = SpringApplication.run(FirstHourTakeover.class, settings)) {
            if (context.getEnvironment().containsProperty(FIRST)) {
                context.getBean(JobScheduler.class).<Orders>enqueue(shop -> shop.ship(7));
            }
            SHIPPED.await();
        }
        System.out.println("well ended");
    }
}
