package io.hapax.spring;

import io.hapax.Guarded;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
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

    @Bean
    Mailer mailer() {
        return new Mailer();
    }

    /** Its arguments are settings. */
    public static void main(String[] settings) throws Exception {
        try (ConfigurableApplicationContext context = SpringApplication.run(FirstHourApplication.class, settings)) {
            System.out.println(context.getBean(Mailer.class).send("ann"));
            String port = context.getEnvironment().getProperty("local.server.port");
            System.out.println(HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/actuator/health"))
                                    .build(),
                            BodyHandlers.ofString())
                    .body());
            System.out.println("well ended");
        }
    }
}
