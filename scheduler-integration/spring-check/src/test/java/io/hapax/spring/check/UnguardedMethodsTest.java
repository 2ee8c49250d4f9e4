package io.hapax.spring.check;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.hapax.Guarded;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.scheduling.annotation.Scheduled;

/** An application that has the annotation, but not the starter. */
class UnguardedMethodsTest {

    /** As a new user writes it. */
    public static class Mailer {
        @Guarded(key = "mails/%0")
        public void send(String to) {}
    }

    /** Fired by Spring, on each replica. */
    public static class Nightly {
        @Scheduled(cron = "0 0 3 * * *")
        @Guarded
        public void clean() {}
    }

    /** Says that it is not to be guarded. */
    public static class SwitchedOff {
        @Guarded(enabled = false)
        public void work() {}
    }

    @Configuration(proxyBeanMethods = false)
    static class Application {
        @Bean
        Mailer mailer() {
            return new Mailer();
        }

        @Bean
        @Lazy
        Nightly nightly() {
            throw new IllegalStateException("it is made for nobody");
        }

        @Bean
        SwitchedOff switchedOff() {
            return new SwitchedOff();
        }
    }

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.hapax.spring.check");
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            lines.add(event.getLevel() + " " + event.getFormattedMessage());
        }
    };

    @AfterEach
    void stop() {
        logger.detachAppender(appender);
    }

    private SpringApplicationBuilder application() {
        return new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .logStartupInfo(false)
                // By then Spring Boot has set up logging, which takes appenders away.
                .initializers(context -> {
                    appender.start();
                    logger.addAppender(appender);
                });
    }

    /** Instead of the one that Spring Boot finds. */
    private void run(UnguardedMethods check) {
        SpringApplicationBuilder application = application();
        List<ApplicationListener<?>> others = application.application().getListeners().stream()
                .filter(listener -> !(listener instanceof UnguardedMethods))
                .<ApplicationListener<?>>map(listener -> listener)
                .toList();
        application.application().setListeners(others);
        try (ConfigurableApplicationContext context =
                application.listeners(check).run()) {
            assertThat(context.isActive()).isTrue();
        }
    }

    @Test
    void spring_boot_warns_of_each_bean_method_that_nobody_guards() {
        try (ConfigurableApplicationContext context = application().run()) {
            assertThat(context.isActive()).isTrue();
        }
        assertThat(lines).hasSize(2);
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .startsWith("WARN @Guarded on Mailer.send of bean 'mailer' guards NOTHING")
                        .contains("Add io.hapax:hapax-spring-boot-starter"));
        assertThat(lines).anySatisfy(line -> assertThat(line).contains("Nightly.clean of bean 'nightly'"));
    }

    @Test
    void beside_jobrunr_whose_jobs_are_bean_methods_it_warns_of_those_that_spring_fires() {
        run(new UnguardedMethods("none", Guarded.class.getName()));
        assertThat(lines).singleElement().asString().contains("Nightly.clean");
    }

    @Test
    void beside_the_starter_it_is_silent() {
        run(new UnguardedMethods(Guarded.class.getName(), "none"));
        assertThat(lines).isEmpty();
    }
}
