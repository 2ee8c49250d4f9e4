package io.hapax.spring;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * One process of {@link PaidOnceTest}: an ordinary application that makes the payments which were delivered to it, by
 * {@link Payments}, and rolls some of them back at random. It ends when all of them are in the books.
 */
public final class PayingProcess {

    private static final int THREADS = 6;

    private final Payments payments;
    private final TransactionTemplate transaction;
    private final TransactionTemplate nested;
    private final Queue<Integer> open;

    private PayingProcess(ConfigurableApplicationContext context, Queue<Integer> open) {
        this.payments = context.getBean(Payments.class);
        this.transaction = context.getBean(TransactionTemplate.class);
        this.nested = new TransactionTemplate(context.getBean(PlatformTransactionManager.class));
        nested.setPropagationBehavior(TransactionDefinition.PROPAGATION_NESTED);
        this.open = open;
    }

    /** The application. */
    @Configuration(proxyBeanMethods = false)
    @EnableTransactionManagement(proxyTargetClass = true)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Application {

        @Bean(destroyMethod = "close")
        HikariDataSource dataSource(Environment environment) {
            HikariDataSource pool = new HikariDataSource();
            pool.setJdbcUrl(environment.getRequiredProperty("database"));
            pool.setMaximumPoolSize(THREADS + 3);
            return pool;
        }

        @Bean
        JdbcTemplate jdbc(DataSource source) {
            return new JdbcTemplate(source);
        }

        @Bean
        PlatformTransactionManager transactionManager(DataSource source) {
            return new JdbcTransactionManager(source);
        }

        @Bean
        TransactionTemplate transaction(PlatformTransactionManager manager) {
            return new TransactionTemplate(manager);
        }

        @Bean
        Payments payments(JdbcTemplate jdbc, TransactionTemplate transaction) {
            return new Payments(jdbc, transaction);
        }
    }

    /** Arguments: redis, database, from which payment on, to which one, seed. */
    public static void main(String[] args) throws InterruptedException {
        endWithTheTest();
        ConfigurableApplicationContext context = new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .logStartupInfo(false)
                .properties(
                        "spring.application.name=paid-once",
                        "hapax.redis.url=" + args[0],
                        "hapax.redis.first-start=" + WallClock.now(),
                        "hapax.redis.lazy=true",
                        "hapax.redis.answer-timeout=1s",
                        "hapax.redis.longest-ttl=5s",
                        "hapax.defaults.ttl=5s",
                        "hapax.ledger.enabled=true",
                        "database=" + args[1])
                .run();
        List<Integer> delivered = IntStream.range(Integer.parseInt(args[2]), Integer.parseInt(args[3]))
                .boxed()
                .collect(Collectors.toList());
        // The latest come again, as of a queue whose consumer was killed before it could say that it was done.
        delivered.removeAll(Set.copyOf(context.getBean(JdbcTemplate.class)
                .queryForList(
                        "SELECT DISTINCT id FROM (SELECT id FROM payment ORDER BY ctid DESC OFFSET 500) p",
                        Integer.class)));
        Collections.shuffle(delivered, new Random(Long.parseLong(args[4])));
        PayingProcess process = new PayingProcess(context, new ConcurrentLinkedQueue<>(delivered));
        List<Thread> threads = IntStream.range(0, THREADS)
                .mapToObj(n -> new Thread(process::work, "payer-" + n))
                .toList();
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        System.exit(0);
    }

    /** Its standard input ends then. */
    private static void endWithTheTest() {
        Thread listener = new Thread(
                () -> {
                    try {
                        int unused = System.in.read();
                    } catch (IOException gone) {
                        // It has ended.
                    }
                    Runtime.getRuntime().halt(2);
                },
                "listener");
        listener.setDaemon(true);
        listener.start();
    }

    private void work() {
        for (Integer payment = open.poll(); payment != null; payment = open.poll()) {
            boolean paid = false;
            try {
                paid = attempt(payment, ThreadLocalRandom.current().nextInt(30)) || payments.paid(payment) > 0;
            } catch (RuntimeException | Payments.Declined failed) {
                // It comes again.
            }
            if (!paid) {
                open.add(payment);
                // Somebody may be at it, or its lease may have to run out.
                LockSupport.parkNanos(2_000_000);
            }
        }
    }

    /** Returns whether the payment was surely made. */
    private boolean attempt(int payment, int kind) throws Payments.Declined {
        switch (kind) {
            case 0 -> payments.payAndRollBack(payment);
            case 1 ->
                transaction.executeWithoutResult(status -> {
                    payments.pay(payment);
                    status.setRollbackOnly();
                });
            case 2 ->
                transaction.executeWithoutResult(outer -> nested.executeWithoutResult(status -> {
                    payments.payWithoutTransaction(payment);
                    status.setRollbackOnly();
                }));
            case 3 ->
                payments.payAnd(payment, () -> {
                    throw new IllegalStateException("no");
                });
            case 4, 5, 6 -> {
                return transaction.execute(status -> payments.payNested(payment)) != null;
            }
            case 7, 8, 9 -> {
                return transaction.execute(status -> payments.payWithoutTransaction(payment)) != null;
            }
            default -> {
                return payments.pay(payment) != null;
            }
        }
        return false;
    }
}
