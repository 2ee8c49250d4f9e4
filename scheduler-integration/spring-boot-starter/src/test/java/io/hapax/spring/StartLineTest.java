package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The line that says what is guarded costs nothing but itself: no bean is made for it, and no start fails because of it. */
class StartLineTest {

    private final Contexts contexts = new Contexts();

    @AfterEach
    void stop() {
        contexts.close();
    }

    /** A guard of the application with a store of its own, beside a store that nobody has asked for yet. */
    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Lazy {

        @Bean
        JobGuard guard() {
            return JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build();
        }

        @Bean(destroyMethod = "")
        LeaseStore unused() {
            return new InMemoryLeaseStore(Ticker.SYSTEM);
        }
    }

    @Test
    void no_lazy_bean_is_made_for_it() {
        ConfigurableApplicationContext context =
                contexts.start(Lazy.class, "spring.application.name=lazy", "spring.main.lazy-initialization=true");
        assertThat(context.getBeanFactory().containsSingleton("guard")).isTrue();
        assertThat(context.getBeanFactory().containsSingleton("unused")).isFalse();
    }

    /** A store of the application that does not like to be asked for its settings. */
    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(HapaxAutoConfiguration.class)
    static class Broken {

        @Bean
        JobGuard guard() {
            return JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build();
        }

        @Bean(destroyMethod = "")
        LeaseStore store() {
            return (LeaseStore) Proxy.newProxyInstance(
                    LeaseStore.class.getClassLoader(),
                    new Class<?>[] {LeaseStore.class},
                    (proxy, method, arguments) -> {
                        if (method.getDeclaringClass() == Object.class) {
                            return method.invoke("broken", arguments);
                        }
                        throw new UnsupportedOperationException("planted");
                    });
        }
    }

    @Test
    void a_store_that_does_not_tell_its_settings_does_not_end_the_start() {
        ConfigurableApplicationContext context = contexts.start(Broken.class, "spring.application.name=broken");
        assertThat(context.isActive()).isTrue();
    }
}
