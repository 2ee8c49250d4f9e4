package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code hapax}, with a Java that notes how it was started, and makes archives of nothing. */
class ScriptTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);
    private static final Path SCRIPT = Path.of("../hapax").toAbsolutePath().normalize();

    /** Notes its arguments; makes what it is told to make, slowly enough for others to want the same; says the rest. */
    private static final String JAVA = "#!/bin/sh\n"
            + "for a; do case $a in -XX:ArchiveClassesAtExit=*)\n"
            + "  echo made >>\"$CALLS\"; sleep 0.3; echo archive >\"${a#*=}\"; exit 1;; esac; done\n"
            + "echo \"$*\" >>\"$CALLS\"\n"
            + "echo answer\n"
            + "exit 42\n";

    @TempDir
    private Path folder;

    private Path calls;

    @BeforeEach
    void prepare() throws IOException {
        calls = folder.resolve("calls");
        executable(folder.resolve("jdk/bin/java"), JAVA);
        Files.createDirectories(folder.resolve("app/lib/hapax"));
        Files.writeString(folder.resolve("app/lib/hapax/hapax.jar"), "a jar");
        executable(folder.resolve("app/bin/hapax"), Files.readString(SCRIPT));
    }

    private static void executable(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private ProcessBuilder hapax(Path script, Map<String, String> environment, String... arguments) {
        List<String> command = new ArrayList<>(List.of("sh", script.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("out").toFile()));
        builder.environment().keySet().removeIf(name -> name.startsWith("HAPAX_") || name.equals("JAVA_OPTS"));
        builder.environment()
                .putAll(Map.of(
                        "JAVA_HOME", folder.resolve("jdk").toString(),
                        "CALLS", calls.toString(),
                        "HAPAX_CACHE", folder.resolve("cache").toString()));
        builder.environment().putAll(environment);
        return builder;
    }

    private int code(Map<String, String> environment, String... arguments) throws Exception {
        return ChildProcess.start(hapax(folder.resolve("app/bin/hapax"), environment, arguments))
                .waitFor();
    }

    private List<String> archives() throws IOException {
        if (!Files.isDirectory(folder.resolve("cache"))) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private List<String> calls() throws IOException {
        return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
    }

    private String out() throws IOException {
        return Files.readString(folder.resolve("out"), StandardCharsets.UTF_8);
    }

    @Test
    void the_first_command_makes_an_archive_in_the_background_and_later_ones_use_it() throws Exception {
        assertThat(code(Map.of(), "locks", "list")).isEqualTo(42);
        await().atMost(LONGEST)
                .until(() -> archives().size() == 1 && archives().get(0).endsWith(".jsa"));
        assertThat(code(Map.of("JAVA_OPTS", "-Xmx64m -Da=b"), "pause", "a key", "--reason", "it's * wrong"))
                .isEqualTo(42);
        String jar = folder.resolve("app/bin").resolve("../lib/hapax/hapax.jar").toString();
        assertThat(calls())
                .contains("-XX:SharedArchiveFile="
                        + folder.resolve("cache").resolve(archives().get(0))
                        + " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dio.netty.jfr.enabled=false -Xlog:disable -Xlog:all=error:stderr -Xmx64m -Da=b -jar "
                        + jar + " pause a key --reason it's * wrong")
                .containsOnlyOnce("made");
        assertThat(out()).isEqualTo("answer\nanswer\n");
    }

    @Test
    void help_is_answered_without_the_archive() throws Exception {
        assertThat(code(Map.of("HAPAX_ARCHIVE", "now"), "doctor")).isEqualTo(42);
        assertThat(code(Map.of(), "locks", "list", "--help")).isEqualTo(42);
        assertThat(code(Map.of())).isEqualTo(42);
        assertThat(code(Map.of(), "exec", "k", "--", "ls", "--help")).isEqualTo(42);
        assertThat(calls())
                .filteredOn(call -> call.startsWith("-XX:SharedArchiveFile="))
                .satisfiesExactly(
                        call -> assertThat(call).endsWith(" doctor"),
                        call -> assertThat(call).endsWith(" exec k -- ls --help"));
    }

    @Test
    void of_several_at_once_one_makes_it_and_all_answer() throws Exception {
        List<Process> all = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            all.add(ChildProcess.start(
                    hapax(folder.resolve("app/bin/hapax"), Map.of("HAPAX_ARCHIVE", "now"), "doctor")));
        }
        for (Process process : all) {
            assertThat(process.waitFor()).isEqualTo(42);
        }
        assertThat(archives()).singleElement().asString().endsWith(".jsa");
        assertThat(calls()).filteredOn(call -> call.contains(" doctor")).hasSize(8);
    }

    @Test
    void whatever_keeps_an_archive_from_being_made_the_command_is_run() throws Exception {
        Files.writeString(folder.resolve("cache"), "no folder");
        assertThat(code(Map.of("HAPAX_ARCHIVE", "now"), "doctor")).isEqualTo(42);
        assertThat(code(Map.of("HAPAX_CACHE", "", "XDG_CACHE_HOME", "", "HOME", ""), "doctor"))
                .isEqualTo(42);
        Files.delete(folder.resolve("cache"));
        assertThat(code(Map.of("HAPAX_ARCHIVE", "off"), "doctor")).isEqualTo(42);
        assertThat(code(Map.of(), "exec", "k", "--", "true")).isEqualTo(42);
        assertThat(archives()).isEmpty();
        assertThat(calls()).hasSize(4).doesNotContain("made");
        // What a process left that was killed long ago.
        assertThat(code(Map.of("HAPAX_ARCHIVE", "now"), "doctor")).isEqualTo(42);
        String archive = archives().get(0);
        Files.delete(folder.resolve("cache").resolve(archive));
        Path lock = Files.createDirectory(folder.resolve("cache").resolve(archive + ".lock"));
        // As of this moment, also where a clock is moved for the suite and that of the file system is not.
        Files.setLastModifiedTime(lock, FileTime.from(WallClock.now()));
        assertThat(code(Map.of("HAPAX_ARCHIVE", "now"), "doctor")).isEqualTo(42);
        assertThat(archives()).containsExactly(archive + ".lock");
        assertThat(new ProcessBuilder("touch", "-d", "2020-01-01", lock.toString())
                        .start()
                        .waitFor())
                .isZero();
        assertThat(code(Map.of("HAPAX_ARCHIVE", "now"), "doctor")).isEqualTo(42);
        assertThat(archives()).containsExactly(archive);
        assertThat(out()).isEqualTo("answer\n".repeat(7));
    }

    @Test
    void another_jar_gets_another_archive_and_a_link_leads_to_the_jar() throws Exception {
        Map<String, String> now = Map.of("HAPAX_ARCHIVE", "now");
        assertThat(code(now, "doctor")).isEqualTo(42);
        Files.writeString(folder.resolve("app/lib/hapax/hapax.jar"), "another jar");
        Path link = Files.createSymbolicLink(folder.resolve("hapax"), Path.of("app/bin/hapax"));
        assertThat(ChildProcess.start(hapax(link, now, "doctor")).waitFor()).isEqualTo(42);
        assertThat(archives()).hasSize(2);
        Path alone = folder.resolve("alone/hapax");
        executable(alone, Files.readString(SCRIPT));
        assertThat(ChildProcess.start(hapax(alone, now, "doctor")).waitFor()).isEqualTo(1);
        assertThat(out()).contains("hapax: hapax.jar is neither beside ", "set HAPAX_JAR");
        assertThat(ChildProcess.start(hapax(
                                alone,
                                Map.of(
                                        "HAPAX_ARCHIVE",
                                        "off",
                                        "HAPAX_JAR",
                                        folder.resolve("app/lib/hapax/hapax.jar")
                                                .toString()),
                                "doctor"))
                        .waitFor())
                .isEqualTo(42);
    }
}
