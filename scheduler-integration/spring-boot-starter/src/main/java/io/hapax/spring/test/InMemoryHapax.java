package io.hapax.spring.test;

import io.hapax.lease.LeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.ClassUtils;

/**
 * Keeps the leases of a test's application in memory, so that it needs no Redis. Put it on a test class beside
 * {@code @SpringBootTest}, and add {@code hapax-test} to the test class path. Each application context has a memory of its
 * own.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@Import(InMemoryHapax.Store.class)
public @interface InMemoryHapax {

    /** Puts the store in memory in the place of the one that the settings name. */
    @Configuration(proxyBeanMethods = false)
    class Store {

        /** Created by Spring. */
        public Store() {}

        @Bean(destroyMethod = "close")
        LeaseStore inMemoryLeaseStore(ResourceLoader application) {
            if (!ClassUtils.isPresent("io.hapax.test.InMemoryLeaseStore", application.getClassLoader())) {
                throw new IllegalStateException(
                        "@InMemoryHapax keeps leases in a store of io.hapax:hapax-test, which is not on the"
                                + " class path: add it to the dependencies of the tests");
            }
            return new InMemoryLeaseStore(Ticker.SYSTEM);
        }
    }
}
