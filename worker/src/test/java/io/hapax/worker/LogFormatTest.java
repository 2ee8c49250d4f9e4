package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.status.Status;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;
import picocli.CommandLine;

/** The two formats of the worker's log, as configured by what is packaged. */
@Tag("slow")
class LogFormatTest {

    private static final String ODD = "key\n12:00:00.000 ERROR [main] forged \"line\" \u001b[31m \u2028 \u0085 \\";

    private static ConsoleAppender<ILoggingEvent> appender(String format) throws Exception {
        LoggerContext context = new LoggerContext();
        context.setMDCAdapter(MDC.getMDCAdapter());
        context.putProperty("HAPAX_LOG_FORMAT", format);
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        URL main = LogFormatTest.class.getResource("/logback.xml");
        configurator.doConfigure(main);
        assertThat(context.getStatusManager().getCopyOfStatusList())
                .as("what logback would complain about")
                .noneMatch(status -> status.getEffectiveLevel() > Status.INFO);
        ConsoleAppender<ILoggingEvent> appender = (ConsoleAppender<ILoggingEvent>)
                context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).getAppender("CONSOLE");
        return appender;
    }

    /** What would be written for a line that a job logs while it works under a key. */
    private static String logged(String format, RunRequest request, String message, @Nullable Throwable failure)
            throws Exception {
        ConsoleAppender<ILoggingEvent> appender = appender(format);
        Logger logger = ((LoggerContext) appender.getContext()).getLogger("com.shop.Report");
        List<String> lines = new ArrayList<>();
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .withoutLogging()
                .build()) {
            guard.run(request, run -> {
                lines.add(encoded(appender, logger, message, failure));
                return true;
            });
        }
        return lines.get(0);
    }

    private static String encoded(
            ConsoleAppender<ILoggingEvent> appender, Logger logger, String message, @Nullable Throwable failure) {
        LoggingEvent event = new LoggingEvent("fqcn", logger, Level.WARN, message, failure, null);
        return new String(appender.getEncoder().encode(event), StandardCharsets.UTF_8);
    }

    @Test
    void a_line_for_people_ends_with_key_and_token_of_the_run() throws Exception {
        RunRequest both = RunRequest.lock("report").once("report@1");
        assertThat(logged("text", both, "halfway", null))
                .matches("[0-9:.]{12} WARN  \\["
                        + Pattern.quote(Thread.currentThread().getName())
                        + "] Report halfway \\[key=report run=report@1 token=[0-9]+]\n");
        assertThat(logged("text", RunRequest.lock("report"), "halfway", null))
                .matches(".* Report halfway \\[key=report token=[0-9]+]\n");
        assertThat(logged("text", RunRequest.occurrence("report@1"), "halfway", null))
                .matches(".* Report halfway \\[run=report@1 token=[0-9]+]\n");
    }

    @Test
    void a_line_of_nothing_that_is_guarded_has_no_fields() throws Exception {
        ConsoleAppender<ILoggingEvent> appender = appender("text");
        Logger logger = ((LoggerContext) appender.getContext()).getLogger("com.shop.Shop");
        assertThat(encoded(appender, logger, "open [key=]", null)).endsWith(" Shop open [key=]\n");
        try (MDC.MDCCloseable field = MDC.putCloseable("hapax.key", "report")) {
            assertThat(encoded(appender, logger, "not run", null)).endsWith(" Shop not run [key=report]\n");
        }
    }

    @Test
    void no_key_message_or_failure_can_forge_a_line_for_people() throws Exception {
        ConsoleAppender<ILoggingEvent> appender = appender("text");
        Logger logger = ((LoggerContext) appender.getContext()).getLogger("com.shop.Report");
        String text;
        try (MDC.MDCCloseable field = MDC.putCloseable("hapax.key", ODD)) {
            text = encoded(appender, logger, "at work on " + ODD, new IllegalStateException(ODD));
        }
        assertThat(text.lines().filter(line -> line.matches("[0-9:.]{12} .*"))).hasSize(1);
        assertThat(text.lines().skip(2)).allMatch(line -> line.matches("\tat .*|\t\\.\\.\\. .*"));
        assertThat(text.lines().skip(1).findFirst())
                .hasValueSatisfying(line -> assertThat(line).startsWith("java.lang.IllegalStateException: key_12:00"));
        assertThat(text.lines().findFirst().orElseThrow()).doesNotContain("\u001b", "\u2028", "\u0085");
    }

    @Test
    void a_stack_trace_for_people_keeps_its_lines() throws Exception {
        Exception failure = new IllegalStateException("outer", new IllegalArgumentException("inner"));
        failure.addSuppressed(new IllegalStateException("beside"));
        String text = logged("text", RunRequest.lock("report"), "broken", failure);
        assertThat(text)
                .contains(
                        "]\njava.lang.IllegalStateException: outer\n\tat ",
                        "\n\tSuppressed: java.lang.IllegalStateException: beside\n",
                        "\nCaused by: java.lang.IllegalArgumentException: inner\n")
                .endsWith("\n");
    }

    @Test
    void a_line_of_json_has_the_fields_of_the_run_and_the_failure() throws Exception {
        RunRequest request =
                RunRequest.lock("a \"key\" \u2028 \\").once("report@1").job("report");
        String line = logged("json", request, "at work on " + ODD, new IllegalStateException(ODD));
        assertThat(line).endsWith("\n");
        assertThat(line.strip()).doesNotContain("\n");
        JsonNode json = new ObjectMapper().readTree(line);
        assertThat(json.get("timestamp").asLong()).isPositive();
        assertThat(json.get("level").asText()).isEqualTo("WARN");
        assertThat(json.get("loggerName").asText()).isEqualTo("com.shop.Report");
        assertThat(json.get("formattedMessage").asText()).isEqualTo("at work on " + ODD);
        assertThat(json.get("throwable").get("message").asText()).isEqualTo(ODD);
        JsonNode fields = json.get("mdc");
        assertThat(fields.get("hapax.job").asText()).isEqualTo("report");
        assertThat(fields.get("hapax.key").asText()).isEqualTo("a \"key\" \u2028 \\");
        assertThat(fields.get("hapax.occurrence").asText()).isEqualTo("report@1");
        assertThat(fields.get("hapax.owner").asText()).isNotEmpty();
        assertThat(fields.get("hapax.token").asLong()).isPositive();
    }

    /** Says one line, in a process whose environment chooses the format. */
    static final class Speaker {
        public static void main(String[] args) {
            org.slf4j.LoggerFactory.getLogger("io.hapax.Speaker").info("spoken");
        }
    }

    @Test
    void the_environment_chooses_the_format() throws Exception {
        assertThat(spoken(Map.of())).endsWith(" INFO  [main] Speaker spoken\n");
        assertThat(new ObjectMapper()
                        .readTree(spoken(Map.of("HAPAX_LOG_FORMAT", "json")))
                        .get("formattedMessage")
                        .asText())
                .isEqualTo("spoken");
    }

    private static String spoken(Map<String, String> environment) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        // The tests' own configuration would go first.
                        "-Dlogback.configurationFile=logback.xml",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Speaker.class.getName())
                .redirectErrorStream(true);
        builder.environment().remove("HAPAX_LOG_FORMAT");
        builder.environment().putAll(environment);
        Process process = ChildProcess.start(builder);
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void another_format_is_refused() {
        WorkerCommand command = new WorkerCommand();
        new CommandLine(command).parseArgs();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> command.settings(Map.of("HAPAX_LOG_FORMAT", "xml")))
                .withMessage("HAPAX_LOG_FORMAT must be text or json, was 'xml'");
    }
}
