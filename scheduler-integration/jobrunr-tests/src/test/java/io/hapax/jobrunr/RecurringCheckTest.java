package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.ledger.AfterCrash;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.jobrunr.jobs.lambdas.IocJobLambda;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** What would let each occurrence of a recurring job fail is found when it is registered. */
@Isolated
class RecurringCheckTest {

    /** Jobs of which nearly each is wrong. */
    public static class Reports {
        @Guarded(ttl = "30 seconds")
        public void badDuration() {}

        @Guarded(key = "k/#{#ordr}")
        public void expression(String order) {}

        @Guarded(key = "k/%3")
        public void noSuchArgument(String order) {}

        @Guarded(key = "k")
        public void collapsing(String order) {}

        @Guarded(key = "k", onConflict = OnConflict.ALLOW)
        public void contradicting() {}

        @Guarded(ttl = "10s")
        public CompletableFuture<String> late() {
            return new CompletableFuture<>();
        }

        @Guarded(afterCrash = AfterCrash.ABANDON)
        public void abandoned() {}

        @Guarded(key = "k/%X{tenant}/%0")
        public void fine(String order) {}
    }

    private final Fleet fleet = new Fleet();
    private final List<String> errors = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(JobRunrGuard.class);
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            if (event.getLevel() == Level.ERROR) {
                errors.add(event.getFormattedMessage());
            }
        }
    };

    @BeforeEach
    void start() {
        appender.start();
        logger.addAppender(appender);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(appender);
        JobRunrGuard.uninstall();
        fleet.close();
    }

    private JobGuard guard(boolean observes) {
        return fleet.guard("a", fleet.leases, options -> options.withObserve(observes));
    }

    private void register(IocJobLambda<Reports> job) {
        fleet.scheduler.<Reports>scheduleRecurrently("nightly", "0 0 1 1 *", job);
    }

    static Stream<Arguments> wrong() {
        return Stream.of(
                wrong(
                        "badDuration",
                        reports -> reports.badDuration(),
                        "'30 seconds' is not a duration",
                        "write 500ms, 30s"),
                wrong("expression", reports -> reports.expression("7"), "#{#ordr} is an expression", "Use %0"),
                wrong("noSuchArgument", reports -> reports.noSuchArgument("7"), "%3 has no value", "1 argument, %0"),
                wrong("collapsing", reports -> reports.collapsing("7"), "the same whatever", "ignoreArguments = true"),
                wrong("contradicting", reports -> reports.contradicting(), "onConflict=ALLOW", "leave out one of them"),
                wrong("late", reports -> reports.late(), "CompletableFuture", "return when the work is done"));
    }

    private static Arguments wrong(String method, IocJobLambda<Reports> job, String what, String mend) {
        return Arguments.of(method, job, what, mend);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("wrong")
    void a_wrong_annotation_is_refused_and_told_of_a_job_that_is_stored_already(
            String method, IocJobLambda<Reports> job, String what, String mend) {
        register(job);
        fleet.guarded("a", 1, guard(false));
        assertThat(errors)
                .singleElement()
                .asString()
                .contains(
                        "recurring job 'nightly'", "@Guarded on " + Reports.class.getName() + "." + method, what, mend);
        JobRunrGuard.install(guard(false));
        assertThatThrownBy(() -> register(job))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "recurring job 'nightly': @Guarded on " + Reports.class.getName() + "." + method, what, mend);
    }

    @Test
    void what_only_the_guard_of_this_process_cannot_keep_is_told() {
        JobRunrGuard.install(guard(false));
        register(reports -> reports.abandoned());
        assertThat(errors)
                .singleElement()
                .asString()
                .contains("recurring job 'nightly'", "Reports.abandoned", "ABANDON needs a ledger");
    }

    @Test
    void a_guard_that_only_observes_refuses_nothing() {
        JobRunrGuard.install(guard(true));
        register(reports -> reports.collapsing("7"));
        assertThat(errors).singleElement().asString().contains("the same whatever the arguments");
    }

    @Test
    void a_key_that_needs_the_logging_context_of_an_occurrence_is_fine() {
        JobRunrGuard.install(guard(false));
        assertThatCode(() -> register(reports -> reports.fine("7"))).doesNotThrowAnyException();
        fleet.guarded("a", 1, guard(false));
        assertThat(errors).isEmpty();
    }
}
