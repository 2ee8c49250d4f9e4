package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.testkit.EmbeddedRedis;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What holds for all commands: help, exit codes, errors, secrets, what a terminal gets, and their page. */
@Tag("slow")
class CommandLineTest {

    private static final Path PAGE = Path.of("../..", "docs", "command-line.md");
    private static final EmbeddedRedis REDIS = EmbeddedRedis.start("--requirepass", "s3cret");
    private static final String URL = REDIS.url().replace("//", "//:s3cret@");
    /** The instant in the leases that are written by hand here, 1764130000 s. */
    private static final Instant GRANTED = Instant.parse("2025-11-26T04:06:40Z");

    private static final String ESCAPE = "\u001b";

    @TempDir
    private Path folder;

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    /** By what is typed, without the name of the program. */
    static Map<String, CommandLine> commands() {
        Map<String, CommandLine> commands = new TreeMap<>();
        collect("", Answered.commandLine(), commands);
        return commands;
    }

    private static void collect(String name, CommandLine line, Map<String, CommandLine> commands) {
        commands.put(name.strip(), line);
        line.getSubcommands().forEach((word, sub) -> collect(name + " " + word, sub, commands));
    }

    static Stream<String> names() {
        return commands().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void every_command_explains_itself_its_exit_codes_and_its_version(String name) {
        String[] words = name.isEmpty() ? new String[0] : name.split(" ", -1);
        Answered help = Answered.by(words, new String[] {"--help"});
        assertThat(help.code()).isZero();
        assertThat(help.out())
                .startsWith("Usage: hapax")
                .contains("Exit codes:")
                .contains("3   there is no such lock, pause or run")
                .contains("4   doctor: found errors");
        Answered version = Answered.by(words, new String[] {"--version"});
        assertThat(version.code()).isZero();
        assertThat(version.out()).isEqualTo("hapax 0.1.0-SNAPSHOT\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            locks                                     | Missing required subcommand. See 'hapax locks --help'.
            lokcs list                                | Did you mean locks? See 'hapax --help'.
            locks list --limitt 3                     | Unknown option
            locks list --limit some                   | Invalid value for option '--limit'
            locks list --limit 0                      | --limit must be at least 1, was 0
            locks list --older-than soon              | setting --older-than: 'soon' is not a duration; write 500ms
            locks list --ttl soon                     | setting --ttl: 'soon' is not a duration
            locks list --ttl 10ms                     | --ttl must be at least 100ms, was 10ms
            locks list --namespace a/b                | setting namespace: 'a/b' is not allowed; use 1 to 64 letters
            locks list --redis http://h               | the scheme must be redis or rediss (TLS)
            locks list --redis redis://a,redis://b    | a quorum needs an odd number of servers
            locks list --redis-file nowhere.yaml      | the Redisson configuration nowhere.yaml cannot be read
            locks list --redis-file a --redis redis://h | give either --redis or --redis-file, not both
            locks show                                | Missing required parameter: 'KEY'
            locks release k --yes                     | --yes needs a --reason, which is kept in the audit
            pause k                                   | Missing required option: '--reason=TEXT'
            pause k --reason test --for soon          | setting --for: 'soon' is not a duration
            pause k --reason test --redis redis://a,redis://b | a quorum needs an odd number of servers
            watch --limit 0                           | --limit must be at least 1, was 0
            watch --every 1ms                         | --every must be at least 200ms, was 1ms
            runs list --state gone                    | expected one of [RUNNING, DONE, FAILED, FAILED_FOR_GOOD, RELEASED, LOST, ABANDONED]
            runs list --limit 10000                   | --limit must be 1 to 9999, was 10000
            runs list --database mysql://h/db         | --database must be jdbc:postgresql://host/db
            runs list --database jdbc:postgresql://h:0x/db | --database cannot be used
            runs show                                 | name one run: either RUNKEY, or --lock LOCKKEY
            runs resolve k --as perhaps --yes         | expected one of [DONE, AGAIN]
            """)
    void wrong_usage_is_told_with_exit_code_two_and_as_json_if_asked(String typed, String message) {
        String[] words = typed.split(" ", -1);
        Answered text = Answered.by(words);
        assertThat(text.code()).isEqualTo(2);
        assertThat(text.out()).isEmpty();
        assertThat(text.err()).startsWith("hapax: ").contains(message);
        if (words.length > 1) {
            Answered json = Answered.by(words, new String[] {"--json"});
            assertThat(json.code()).isEqualTo(2);
            assertThat(json.out()).isEmpty();
            JsonNode document = Answered.parsed(json.err());
            assertThat(document.get("error").asText()).contains(message.replaceAll("^Did you.*", ""));
            assertThat(document.get("exitCode").asInt()).isEqualTo(2);
        }
    }

    /** Wrong in every way in which an address may come to be quoted. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            locks list --redis redis://u:hunter2@127.0.0.1:1
            locks list --redis redis://u:hunter2@127.0.0.1:1/x
            locks list --redis http://u:hunter2@h
            locks list --redis redis://u:hunter2@
            locks list --redis redis://u:hunter2%@h
            locks list --redis redis://u:hunter2@a,redis://u:hunter2@b
            locks list redis://u:hunter2@h
            locks list --rediss redis://u:hunter2@h
            locks list --limit redis://u:hunter2@h
            locks list --limit redis://u:blank_hunter2@h
            locks list --redis redis://u:hunter2@127.0.0.1:1,redis://u:hunter2@127.0.0.1:2,redis://u:hunter2@127.0.0.1:3
            runs list --database postgres://u:hunter2@127.0.0.1:1/db
            runs list --database jdbc:postgresql://127.0.0.1:1/db?user=u&password=hunter2
            runs list --database jdbc:postgresql://127.0.0.1:99999/db?user=u&password=hunter2
            runs list --database jdbc:postgresql://h:x/db?password=hunter2&user=u
            runs list --database postgres://u:hunter2@h
            runs list --database mysql://u:hunter2@h/db
            runs list jdbc:postgresql://h/db?password=hunter2&user=u
            """)
    void a_password_is_never_shown(String typed) {
        String[] words = typed.split(" ", -1);
        for (int n = 0; n < words.length; n++) {
            words[n] = words[n].replace("blank_", "a b c ");
        }
        for (String[] more : new String[][] {{}, {"--json"}}) {
            Answered told = Answered.by(words, more);
            assertThat(told.code()).isIn(1, 2, 4);
            assertThat(told.out() + told.err()).isNotEmpty().doesNotContain("hunter2");
        }
    }

    @Test
    void a_wrong_password_is_told_as_such_and_not_shown() {
        Answered told = Answered.by("locks", "list", "--redis", REDIS.url().replace("//", "//:hunter2@"));
        assertThat(told.code()).isEqualTo(1);
        assertThat(told.err())
                .contains("wrong user name or password. Correct them in the address, redis://user:password@host:port")
                .doesNotContain("hunter2");
        assertThat(Answered.by("locks", "list", "--redis", REDIS.url()).err()).contains("it asks for a password");
    }

    @Test
    void a_server_that_is_another_or_that_nobody_knows_is_told_within_seconds() {
        // Redis waits for more of what it takes for a command.
        String notPostgres = "jdbc:postgresql://127.0.0.1:" + REDIS.port() + "/x?user=u&password=hunter2";
        Answered other = assertTimeoutPreemptively(
                Duration.ofSeconds(40), () -> Answered.by("runs", "list", "--database", notPostgres));
        assertThat(other.code()).isEqualTo(1);
        assertThat(other.err()).contains("the ledger cannot be opened").doesNotContain("hunter2");
        assertThat(Answered.by("runs", "list", "--database", "jdbc:postgresql://nobody.invalid/x")
                        .err())
                .contains("the host name is not known (nobody.invalid). Correct it in the address");
        assertThat(Answered.by("locks", "list", "--redis", "redis://nobody.invalid")
                        .err())
                .contains("the host name is not known. Correct it in the address");
    }

    @Test
    void what_a_key_or_a_worker_is_called_does_nothing_to_a_terminal() {
        String evil = "x" + ESCAPE + "[2J\u009b31m\u202e";
        // How wide the columns are depends on the age.
        InstantSource clock = InstantSource.fixed(GRANTED.plus(Duration.ofHours(366 * 24 + 5)));
        String value = "owner1|1764130000000000|1764130000000000|-|w" + ESCAPE + "]0;owned\u0007|run" + ESCAPE + "[8m";
        REDIS.command("SET", "hapax:{evil:0}:l:" + evil, value, "PX", "60000");
        REDIS.command("SET", "hapax:{evil:0}:l:plain", value, "PX", "60000");
        for (String[] words : new String[][] {
            {"locks", "list"}, {"locks", "show", evil}, {"locks", "release", "plain"}, {"locks", "list", "--json"}
        }) {
            Answered told = evil(clock, words);
            assertThat(told.out() + told.err())
                    .isNotEmpty()
                    .doesNotContain(ESCAPE)
                    .doesNotContain("\u009b")
                    .doesNotContain("\u202e")
                    .doesNotContain("\u0007");
        }
        assertThat(evil(clock, "locks", "list").out()).contains("x\\u001B[…1m\\u202E", "  run run\\u001B[8m\n");
        assertThat(evil(clock, "locks", "show", "plain").out())
                .contains("run        run\\u001B[8m\n", "worker     w\\u001B]0;owned\\u0007\n");
        assertThat(evil(clock, "locks", "list", "--json").json().at("/locks").findValuesAsText("key"))
                .containsExactlyInAnyOrder(evil, "plain");
        assertThat(Answered.by("locks", "list", ESCAPE + "[2J").err()).doesNotContain(ESCAPE);
    }

    private static Answered evil(InstantSource clock, String... words) {
        return Answered.at(
                clock,
                Stream.concat(Stream.of(words), Stream.of("--redis", URL, "--namespace", "evil"))
                        .toArray(String[]::new));
    }

    /** In UTC, so that a change to or from summer time makes no difference. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            2025-11-26T04:06:39Z | 04:06:40Z    0 ms
            2025-11-26T04:06:40Z | 04:06:40Z    0 ms
            2025-11-26T23:59:59Z | 04:06:40Z    19 h 53 m
            2025-11-27T00:00:01Z | 04:06:40Z    19 h 53 m
            2025-11-27T04:06:39Z | 04:06:40Z    23 h 59 m
            2025-11-27T04:06:40Z | 11-26 04:06Z  1 d 0 h
            2026-01-01T00:00:00Z | 11-26 04:06Z  35 d 19 h
            2026-03-29T02:30:00Z | 11-26 04:06Z  122 d 22 h
            2028-02-29T12:00:00Z | 11-26 04:06Z  825 d 7 h
            """)
    void age_and_date_of_a_lease_are_told_by_the_clock_of_the_command(Instant now, String told) {
        REDIS.command("SET", "hapax:{aged:0}:l:k", "owner1|1764130000000000|1764130000000000|-|w|run", "PX", "60000");
        String[] words = {"locks", "list", "--redis", URL, "--namespace", "aged"};
        assertThat(Answered.at(InstantSource.fixed(now), words).out().replaceAll(" +", " "))
                .contains(" w " + told.replaceAll(" +", " ") + " ");
    }

    @Test
    void tables_fit_into_a_hundred_columns_and_keep_the_ends_of_what_they_shorten() {
        TextTable table = new TextTable("KEY", "WORKER", "AGE");
        table.row("a-key-" + "k".repeat(300) + "-its-end", "a-worker-" + "w".repeat(80), "3 m 12 s");
        table.row("short", "äöü😀", "1 s");
        table.below("r".repeat(300));
        StringWriter text = new StringWriter();
        table.print(new PrintWriter(text, true));
        assertThat(text.toString().lines()).hasSize(4).allMatch(line -> line.codePointCount(0, line.length()) <= 100);
        assertThat(text.toString()).containsPattern("a-key-k+…k+-its-end  a-worker-w+…w+  3 m 12 s");
    }

    /** A child, as only then the log and the answer are really apart. */
    @Test
    void standard_output_has_the_answer_and_nothing_else() throws IOException, InterruptedException {
        Process process = java("doctor", "--no-ledger", "--json", "--redis", "redis://:hunter2@127.0.0.1:1");
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isEqualTo(4);
        assertThat(Answered.parsed(out).get("errors").asInt()).isEqualTo(1);
        assertThat(err).isEmpty();
    }

    private static Process java(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                // As in the packaged jar, whose configuration of the log is not that of the tests.
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                        .filter(entry -> !entry.endsWith("test-classes"))
                        .reduce((a, b) -> a + File.pathSeparator + b)
                        .orElseThrow(),
                HapaxCommandLine.class.getName()));
        command.addAll(List.of(arguments));
        return ChildProcess.start(new ProcessBuilder(command));
    }

    @Test
    void the_completion_completes_commands_and_options_in_bash() throws IOException, InterruptedException {
        Path script = folder.resolve("completion");
        Files.writeString(script, Answered.by("completion").out());
        assertThat(bash("bash -n " + script + " 2>&1")).isEmpty();
        assertThat(completions(script, "hapax", "")).contains("locks", "runs", "doctor", "completion");
        assertThat(completions(script, "hapax", "locks", "")).contains("list", "show", "release");
        assertThat(completions(script, "hapax", "pau")).containsExactly("pause");
        assertThat(completions(script, "hapax", "pause", "--rea")).containsExactly("--reason");
        assertThat(completions(script, "hapax", "watch", "--on")).containsExactly("--once");
        assertThat(completions(script, "hapax", "locks", "list", "--ol")).containsExactly("--older-than");
        assertThat(completions(script, "hapax", "runs", "list", "--state", "AB"))
                .containsExactly("ABANDONED");
    }

    private static List<String> completions(Path script, String... words) throws IOException, InterruptedException {
        StringBuilder line = new StringBuilder("source " + script + "; COMP_WORDS=(");
        for (String word : words) {
            line.append('\'').append(word).append("' ");
        }
        line.append("); COMP_CWORD=").append(words.length - 1);
        line.append("; _complete_hapax; printf '%s\\n' \"${COMPREPLY[@]}\"");
        return bash(line.toString()).lines().map(String::strip).toList();
    }

    private static String bash(String line) throws IOException, InterruptedException {
        Process process = ChildProcess.start(new ProcessBuilder("bash", "-c", line)
                // Outside of a completion, bash warns of what only works inside of one.
                .redirectError(ProcessBuilder.Redirect.DISCARD));
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return out;
    }

    @Test
    void the_page_documents_every_option_of_every_command_and_no_other() throws IOException {
        Map<String, Set<String>> documented = new TreeMap<>();
        String command = "";
        for (String line : Files.readAllLines(PAGE)) {
            Matcher heading = Pattern.compile("### `hapax ([a-z ]+)`").matcher(line);
            if (heading.matches()) {
                command = heading.group(1);
            } else if (line.startsWith("## ")) {
                command = line.startsWith("## Options of many commands") ? "" : "none";
            }
            Matcher option = Pattern.compile("^\\| `(--[a-z-]+)").matcher(line);
            if (option.find()) {
                documented.computeIfAbsent(command, first -> new TreeSet<>()).add(option.group(1));
            }
        }
        Set<String> shared = documented.getOrDefault("", Set.of());
        assertThat(shared)
                .containsExactlyInAnyOrder(
                        "--leases",
                        "--redis",
                        "--redis-file",
                        "--database",
                        "--namespace",
                        "--ttl",
                        "--json",
                        "--help",
                        "--version");
        commands().forEach((name, line) -> {
            Set<String> options = new TreeSet<>();
            line.getCommandSpec().options().stream()
                    .filter(option -> !option.hidden())
                    .forEach(option -> options.add(option.longestName()));
            if (!name.isEmpty()) {
                options.removeAll(shared);
                assertThat(documented.getOrDefault(name, Set.of()))
                        .as("options of " + name)
                        .isEqualTo(options);
            }
        });
        assertThat(commands().keySet()).containsAll(documented.keySet());
    }

    @Test
    void the_command_lines_on_the_pages_can_be_typed() throws IOException {
        int typed = 0;
        for (Path page : List.of(PAGE, PAGE.resolveSibling("operations.md"))) {
            for (String line : Files.readAllLines(page)) {
                if (line.startsWith("$ hapax ")) {
                    String[] words = words(line.substring("$ hapax ".length()));
                    Answered.commandLine().parseArgs(words);
                    typed++;
                }
            }
        }
        assertThat(typed).isGreaterThan(8);
    }

    /** As a shell splits a line with single quotes. */
    private static String[] words(String line) {
        List<String> words = new ArrayList<>();
        Matcher word = Pattern.compile("'([^']*)'|([^\\s']+)").matcher(line.replaceAll(" [|>].*", ""));
        while (word.find()) {
            words.add(word.group(1) != null ? word.group(1) : word.group(2));
        }
        return words.toArray(String[]::new);
    }

    @Test
    void the_page_lists_the_exit_codes() throws IOException {
        String page = Files.readString(PAGE);
        ExitCodes.table()
                .forEach((code, meaning) -> assertThat(page).contains("| " + code.strip() + " | " + meaning + " |"));
    }

    @Test
    void the_page_names_every_field_that_programs_get() throws IOException {
        Map<String, List<Class<? extends Record>>> documents = Map.ofEntries(
                Map.entry("`locks list`", List.of(LocksListCommand.Document.class)),
                Map.entry("`locks list --paused`", List.of(LocksListCommand.Pauses.class)),
                Map.entry("`locks show`", List.of(LocksShowCommand.Document.class)),
                Map.entry("`locks release`", List.of(LocksReleaseCommand.Document.class)),
                Map.entry("each lock", List.of(LockView.class)),
                Map.entry("`pause`, `resume`", List.of(PauseCommand.Document.class, ResumeCommand.Document.class)),
                Map.entry("each pause", List.of(PauseView.class)),
                Map.entry("`watch`", List.of(WatchCommand.Document.class, FleetRow.class)),
                Map.entry("`runs list`", List.of(RunsListCommand.Document.class)),
                Map.entry("`runs show`", List.of(RunsShowCommand.Document.class)),
                Map.entry("`runs resolve`", List.of(RunsResolveCommand.Document.class)),
                Map.entry("each run", List.of(RunView.class)),
                Map.entry("each entry of `audit`", List.of(AuditView.class)),
                Map.entry(
                        "`doctor`",
                        List.of(
                                DoctorCommand.Document.class,
                                DoctorCommand.Diagnosis.class,
                                DoctorCommand.Checked.class)));
        List<String> page = Files.readAllLines(PAGE);
        documents.forEach((what, records) -> {
            List<String> rows = page.stream()
                    .filter(line -> line.startsWith("| " + what + " | "))
                    .toList();
            assertThat(rows).as(what).hasSize(1);
            Set<String> named = new TreeSet<>();
            Matcher field = Pattern.compile("`([a-zA-Z]+)`").matcher(rows.get(0).substring(what.length() + 5));
            while (field.find()) {
                named.add(field.group(1));
            }
            for (Class<? extends Record> document : records) {
                for (RecordComponent component : document.getRecordComponents()) {
                    assertThat(named).as(what).contains(component.getName());
                }
            }
        });
    }
}
