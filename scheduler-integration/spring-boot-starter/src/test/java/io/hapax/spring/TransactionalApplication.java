package io.hapax.spring;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.sql.SQLException;
import java.util.UUID;
import javax.sql.DataSource;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.springframework.aop.ProxyMethodInvocation;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.annotation.AnnotationMatchingPointcut;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Role;
import org.springframework.core.Ordered;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionTemplate;

/** An application with a database of its own, whose commits can be in doubt. */
@Configuration(proxyBeanMethods = false)
@EnableTransactionManagement(proxyTargetClass = true)
@ImportAutoConfiguration(HapaxAutoConfiguration.class)
class TransactionalApplication {

    /** Of a bean whose methods are repeated when they fail. */
    @Retention(RetentionPolicy.RUNTIME)
    @interface Repeated {}

    /** A manager that is not told what has become of a commit. */
    static final class DoubtfulManager extends JdbcTransactionManager {

        private static final long serialVersionUID = 1L;

        /** Whether the next commit is carried out before its answer is lost; null if nothing is lost. */
        private volatile Boolean losesAnswer;

        DoubtfulManager(DataSource source) {
            super(source);
        }

        void loseAnswer(boolean committed) {
            losesAnswer = committed;
        }

        @Override
        protected void doCommit(DefaultTransactionStatus status) {
            Boolean committed = losesAnswer;
            losesAnswer = null;
            if (committed == null) {
                super.doCommit(status);
                return;
            }
            if (committed) {
                super.doCommit(status);
            } else {
                super.doRollback(status);
            }
            throw new TransactionSystemException("the answer to the commit was lost");
        }
    }

    @Bean(destroyMethod = "close")
    HikariDataSource dataSource() {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("transactions_" + UUID.randomUUID().toString().replace('-', '_'));
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(database.jdbcUrl());
        pool.setUsername(database.user());
        pool.setPassword(database.password());
        pool.setMaximumPoolSize(12);
        return pool;
    }

    @Bean
    JdbcTemplate jdbc(DataSource source) throws SQLException {
        JdbcTemplate jdbc = new JdbcTemplate(source);
        jdbc.execute("CREATE TABLE payment (id int NOT NULL)");
        jdbc.execute("CREATE TABLE counter (id int PRIMARY KEY, value int NOT NULL)");
        jdbc.execute("INSERT INTO counter SELECT n, 0 FROM generate_series(0, 999) n");
        return jdbc;
    }

    @Bean
    DoubtfulManager transactionManager(DataSource source) {
        return new DoubtfulManager(source);
    }

    @Bean
    TransactionTemplate transaction(DoubtfulManager manager) {
        return new TransactionTemplate(manager);
    }

    /** Repeats what fails, around the transaction, as retry libraries do. */
    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE)
    static DefaultPointcutAdvisor repeating() {
        MethodInterceptor repeat = call -> {
            MethodInvocation again = ((ProxyMethodInvocation) call).invocableClone();
            try {
                return call.proceed();
            } catch (IllegalStateException | TransactionSystemException failed) {
                return again.proceed();
            }
        };
        DefaultPointcutAdvisor advisor =
                new DefaultPointcutAdvisor(new AnnotationMatchingPointcut(Repeated.class), repeat);
        advisor.setOrder(Ordered.HIGHEST_PRECEDENCE);
        return advisor;
    }

    @Bean
    RepeatingPayments repeatingPayments(JdbcTemplate jdbc) {
        return new RepeatingPayments(jdbc);
    }

    @Bean
    Payments payments(JdbcTemplate jdbc, TransactionTemplate transaction) {
        return new Payments(jdbc, transaction);
    }
}
