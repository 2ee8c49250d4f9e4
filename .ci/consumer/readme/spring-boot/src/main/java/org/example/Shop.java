package org.example;

import io.hapax.Guarded;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** A replica of an application. Arguments: how many seconds, the file to count in. */
@SpringBootApplication
@EnableScheduling
public class Shop {

    public static void main(String[] args) throws Exception {
        System.setProperty("counts", args[1]);
        ConfigurableApplicationContext context = SpringApplication.run(Shop.class);
        Thread.sleep(Long.parseLong(args[0]) * 1_000);
        System.exit(SpringApplication.exit(context));
    }

    @Bean
    Prices prices() {
        return new Prices(new Counts(Path.of(System.getProperty("counts"))));
    }

    /** Writes down what was done. */
    record Counts(Path file) {
        void did(String what) {
            try {
                Files.writeString(file, what + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        long seconds() {
            return System.currentTimeMillis() / 1_000;
        }
    }

    /** The bean. */
    public static class Prices {
        private final Counts counts;

        Prices(Counts counts) {
            this.counts = counts;
        }

@BEAN@
    }
}
