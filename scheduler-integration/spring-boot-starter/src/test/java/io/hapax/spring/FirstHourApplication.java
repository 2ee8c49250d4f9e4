package io.hapax.spring;

import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.ledger.AfterCrash;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** An application as a new user writes it; it does its work once, says what it saw, and ends. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class FirstHourApplication {

    /** Created by Spring. */
    FirstHourApplication() {}

    /** A bean with a guarded method. */
    public static class Mailer {
        @Guarded(key = "mails/%0")
        public String send(String to) {
            return "sent to " + to;
        }
    }

    /** The name of a parameter is misspelt in a key. */
    public static class MisspeltKey {
        @Guarded(key = "orders/#{#ordr}")
        public void ship(String order) {}
    }

    /** A duration as nobody reads it. */
    public static class WrongTtl {
        @Guarded(key = "orders/%0", ttl = "30 seconds")
        public void ship(String order) {}
    }

    /** What only a ledger knows. */
    public static class AbandonedWithoutLedger {
        @Guarded(once = "orders/%0", afterCrash = AfterCrash.ABANDON)
        public void ship(String order) {}
    }

    /** Is refused again and again for one reason, and once for another, as replicas are that race for each firing. */
    public static class Crowd implements InitializingBean {

        private static final int MANY = 60;

        private final JobGuard guard;

        /** Created by Spring. */
        public Crowd(JobGuard guard) {
            this.guard = guard;
        }

        @Override
        public void afterPropertiesSet() throws Exception {
            RunRequest report = RunRequest.occurrence("report@1");
            System.out.println(guard.run(report, run -> "reported"));
            System.out.println(guard.run(report, run -> "reported twice"));
            RunRequest stock = RunRequest.lock("stock");
            try (GuardedRun counting = guard.admit(stock).fold(run -> run, refusal -> {
                throw new IllegalStateException(refusal.toString());
            })) {
                for (int n = 0; n < MANY; n++) {
                    guard.run(stock, run -> "counted twice");
                }
                counting.complete();
            }
        }
    }

    @Bean
    Mailer mailer() {
        return new Mailer();
    }

    /** Its arguments are settings. */
    public static void main(String[] settings) throws Exception {
        try (ConfigurableApplicationContext context = SpringApplication.run(FirstHourApplication.class, settings)) {
            for (String name : List.of("ann", "bob", "cid")) {
                System.out.println(context.getBean(Mailer.class).send(name));
            }
            System.out.println(asked(context, "/actuator/health"));
            System.out.println(asked(context, "/actuator/hapax"));
            if (context.getEnvironment().containsProperty("hapax.console.enabled")) {
                System.out.println(asked(context, "/hapax/api/fleet"));
            }
            System.out.println("well ended");
        }
    }

    private static String asked(ConfigurableApplicationContext context, String path) throws Exception {
        String port = context.getEnvironment().getProperty("local.server.port");
        URI place = URI.create("http://127.0.0.1:" + port + path);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(place).build(), BodyHandlers.ofString())
                .body();
    }
}
