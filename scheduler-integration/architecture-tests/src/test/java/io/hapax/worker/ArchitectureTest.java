package io.hapax.worker;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.thread.GuardThreads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;

/** The direction of dependencies and the rules of style that a machine can check; it sees every module. */
@AnalyzeClasses(packages = "io.hapax", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    private static final String[] API = {
        "io.hapax.lease..",
        "io.hapax.event..",
        "io.hapax.time..",
        "io.hapax.ledger..",
        "io.hapax.thread..",
        "io.hapax.ops.."
    };
    private static final String CORE = "io.hapax";
    private static final String POLICY = "io.hapax.policy";
    private static final String[] STORES = {"io.hapax.redis..", "io.hapax.postgres.."};
    private static final String[] SCHEDULERS = {"io.hapax.quartz..", "io.hapax.jobrunr..", "io.hapax.micrometer.."};
    private static final String TEST = "io.hapax.test..";
    private static final String TESTKIT = "io.hapax.[test|testkit]..";
    private static final String WORKER = "io.hapax.worker..";
    private static final String CLI = "io.hapax.cli..";

    @ArchTest
    static final ArchRule api_knows_only_java_and_jspecify = classes()
            .that(resideInAnyPackage(API))
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(API).or(resideInAnyPackage("java..", "org.jspecify..")));

    @ArchTest
    static final ArchRule doubles_for_applications_know_only_the_api = classes()
            .that(resideInAPackage(TEST))
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(API).or(resideInAnyPackage(TEST, "java..", "org.jspecify..")));

    @ArchTest
    static final ArchRule core_knows_only_the_api_and_slf4j = classes()
            .that(resideInAPackage(CORE))
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(API)
                    .or(resideInAnyPackage("java..", "javax.crypto..", "org.jspecify..", "org.slf4j..", CORE)));

    @ArchTest
    static final ArchRule policy_knows_only_core_the_api_and_slf4j = classes()
            .that(resideInAPackage(POLICY))
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(API)
                    .or(resideInAnyPackage("java..", "org.jspecify..", "org.slf4j..", CORE, POLICY)));

    @ArchTest
    static final ArchRule inside_the_api_leases_do_not_know_events =
            noClasses().that(resideInAPackage(API[0])).should().dependOnClassesThat(resideInAPackage(API[1]));

    @ArchTest
    static final ArchRule the_hot_port_names_nothing_of_what_operators_ask =
            noClasses().that(resideInAPackage(API[0])).should().dependOnClassesThat(resideInAPackage("io.hapax.ops.."));

    private static final SliceAssignment PACKAGES_OF_API_AND_CORE = new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return resideInAnyPackage(API).or(resideInAnyPackage(CORE, POLICY)).test(type)
                    ? SliceIdentifier.of(type.getPackageName())
                    : SliceIdentifier.ignore();
        }

        @Override
        public String getDescription() {
            return "packages of api and core";
        }
    };

    @ArchTest
    static final ArchRule packages_of_api_and_core_have_no_cycles =
            slices().assignedFrom(PACKAGES_OF_API_AND_CORE).should().beFreeOfCycles();

    @ArchTest
    static final ArchRule stores_know_neither_the_guard_nor_schedulers = noClasses()
            .that(resideInAnyPackage(STORES))
            .should()
            .dependOnClassesThat(resideInAnyPackage(CORE, SCHEDULERS[0], SCHEDULERS[1], SCHEDULERS[2], TESTKIT));

    @ArchTest
    static final ArchRule schedulers_do_not_know_stores = noClasses()
            .that(resideInAnyPackage(SCHEDULERS))
            .should()
            .dependOnClassesThat(resideInAnyPackage(STORES[0], STORES[1], TESTKIT, "org.redisson.."));

    @ArchTest
    static final ArchRule the_console_knows_the_guard_but_neither_stores_nor_schedulers = noClasses()
            .that(resideInAPackage("io.hapax.console.."))
            .should()
            .dependOnClassesThat(
                    resideInAnyPackage(STORES[0], STORES[1], SCHEDULERS[0], SCHEDULERS[1], TESTKIT, "org.redisson.."));

    @ArchTest
    static final ArchRule locks_and_headers_know_neither_our_stores_nor_schedulers = noClasses()
            .that(resideInAnyPackage(
                    "io.hapax.shedlock..", "io.hapax.http..", "io.hapax.integration..", "io.hapax.micronaut.."))
            .should()
            .dependOnClassesThat(resideInAnyPackage(STORES[0], STORES[1], SCHEDULERS[0], SCHEDULERS[1], TESTKIT));

    @ArchTest
    static final ArchRule quartz_and_jobrunr_do_not_know_each_other =
            slices().matching("io.hapax.(*)..").namingSlices("$1").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule libraries_do_not_know_the_worker =
            noClasses().that().resideOutsideOfPackage(WORKER).should().dependOnClassesThat(resideInAPackage(WORKER));

    @ArchTest
    static final ArchRule only_the_worker_knows_the_command_line =
            noClasses().that().resideOutsideOfPackages(WORKER, CLI).should().dependOnClassesThat(resideInAPackage(CLI));

    @ArchTest
    static final ArchRule the_command_line_starts_without_schedulers_and_servers = noClasses()
            .that(resideInAPackage(CLI))
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                    SCHEDULERS[0], SCHEDULERS[1], SCHEDULERS[2], "io.hapax.console..", TESTKIT, "org.redisson.."));

    @ArchTest
    static final ArchRule no_grab_bags = noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Manager|Impl)$");

    /**
     * All else is given it, or uses none: forbidden-apis.txt leaves {@link InstantSource#system()} as the only way. The
     * ticker looks at it for suspended machines only.
     */
    private static final List<String> MAY_ASK_FOR_THE_WALL_CLOCK = List.of(
            "io.hapax.time.PessimisticTicker",
            "io.hapax.redis.RedissonLeaseStore",
            "io.hapax.postgres.PostgresLeaseStore\\$Builder",
            "io.hapax.postgres.PostgresRunLedger\\$Builder",
            "io.hapax.jobrunr.HapaxPerformerFactory",
            "io.hapax.quartz.HapaxPlugin",
            "io.hapax.console.Console\\$Builder",
            "io.hapax.micronaut.Firings",
            "io.hapax.spring.HapaxActuatorAutoConfiguration.*",
            "io.hapax.cli.HapaxCommandLine",
            "io.hapax.worker.WorkerMain",
            "io.hapax.testkit.WallClock");

    @ArchTest
    static final ArchRule leases_are_not_judged_by_the_wall_clock = noClasses()
            .that()
            .haveNameNotMatching(String.join("|", MAY_ASK_FOR_THE_WALL_CLOCK))
            .should()
            .callMethod(InstantSource.class, "system");

    /** Applications, which may start what they like: the worker, the command line, and what only tests have. */
    private static final String[] APPLICATIONS = {WORKER, CLI, TESTKIT, "io.hapax.examples..", "io.hapax.benchmarks.."};

    private static final Set<String> STARTING = Set.of(
            "java.lang.Thread",
            "java.util.Timer",
            "java.util.concurrent.ThreadPoolExecutor",
            "java.util.concurrent.ScheduledThreadPoolExecutor",
            "java.util.concurrent.ForkJoinPool",
            "java.util.concurrent.Executors",
            "java.util.concurrent.CompletableFuture");

    private static final Set<String> DELAYING = Set.of("orTimeout", "completeOnTimeout", "delayedExecutor");

    @ArchTest
    static final ArchRule threads_are_started_in_one_class = noClasses()
            .that()
            .resideOutsideOfPackages(APPLICATIONS)
            .and(not(belongTo(equivalentTo(GuardThreads.class))))
            .should()
            .accessTargetWhere(describe("starts threads", ArchitectureTest::startsThreads));

    /** What SLF4J 1.7, which Quartz 2.3 brings, does not have; a logger's own ways to it are all by way of these types. */
    @ArchTest
    static final ArchRule libraries_log_with_slf4j_1_7_as_well = noClasses()
            .that()
            .resideOutsideOfPackages(APPLICATIONS)
            .should()
            .dependOnClassesThat(resideInAnyPackage("org.slf4j.event..", "org.slf4j.spi.."));

    @ArchTest
    static final ArchRule listeners_are_called_by_one_class = noClasses()
            .that()
            .resideInAPackage(CORE)
            .and()
            .haveNameNotMatching("io\\.hapax\\.Notifier(\\$.*)?")
            .should()
            .callMethod(GuardListener.class, "on", GuardEvent.class);

    /** Calls, and references to methods, that have threads of their own or use those of the JDK. */
    private static boolean startsThreads(JavaAccess<?> access) {
        if (!(access.getTarget() instanceof AccessTarget.CodeUnitAccessTarget called)
                || !STARTING.contains(called.getOwner().getName())) {
            return false;
        }
        String name = called.getName();
        return switch (called.getOwner().getSimpleName()) {
            case "CompletableFuture" ->
                DELAYING.contains(name)
                        || (name.endsWith("Async")
                                && called.getRawParameterTypes().stream()
                                        .noneMatch(type -> type.isEquivalentTo(Executor.class)));
            case "Executors" -> true;
            case "ForkJoinPool" -> name.equals("commonPool") || name.equals("<init>");
            default -> name.equals("<init>");
        };
    }

    @ArchTest
    static final ArchRule locks_are_private_objects = methods()
            .that()
            .areDeclaredInClassesThat()
            .resideOutsideOfPackage(TESTKIT)
            .should()
            .notHaveModifier(JavaModifier.SYNCHRONIZED);

    @ArchTest
    static void every_package_is_null_marked(JavaClasses all) {
        Set<String> unmarked = new TreeSet<>();
        all.stream()
                .map(JavaClass::getPackage)
                .filter(each -> !each.isAnnotatedWith(NullMarked.class))
                .forEach(each -> unmarked.add(each.getName()));
        assertThat(unmarked).isEmpty();
    }

    /** Adding a public type to an adapter is a decision, so they are listed. */
    @ArchTest
    static void public_types_of_adapters_are_listed(JavaClasses all) {
        Set<String> adapters = Set.of(
                "io.hapax.redis",
                "io.hapax.postgres",
                "io.hapax.quartz",
                "io.hapax.jobrunr",
                "io.hapax.micrometer",
                "io.hapax.shedlock",
                "io.hapax.http",
                "io.hapax.integration",
                "io.hapax.micronaut",
                "io.hapax.cli",
                "io.hapax.console");
        Set<String> found = new TreeSet<>();
        all.stream()
                .filter(type -> adapters.contains(type.getPackageName()))
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC) && !type.isNestedClass())
                // What Micronaut's compiler writes beside its beans.
                .filter(type -> !type.getName().contains(".$"))
                .forEach(type -> found.add(type.getSimpleName()));
        assertThat(found)
                .containsExactlyInAnyOrder(
                        "Console",
                        "Fence",
                        "FenceException",
                        "FencedTable",
                        "FencingFilter",
                        "GuardMetrics",
                        "GuardedMapper",
                        "HapaxCommandLine",
                        "HapaxLockProvider",
                        "HapaxLockRegistry",
                        "HapaxPlugin",
                        "HapaxPerformerFactory",
                        "JobRunrGuard",
                        "PostgresAddress",
                        "PostgresFence",
                        "PostgresLeaseStore",
                        "PostgresRunLedger",
                        "RedisFence",
                        "RedissonLeaseStore",
                        "RedissonLeaseStoreProvider",
                        "RestClientRunHeaders",
                        "RunHeaders",
                        "RunSettingOptions",
                        "StaleWriteException",
                        "WebClientRunHeaders");
    }

    private static final Pattern PUBLIC_TYPE = Pattern.compile(
            "\\s*public (static |final |sealed |abstract )*(class|interface|record|enum|@interface) .*");

    /** Doclint checks what Javadoc says; that it is there at all is checked here. */
    @ArchTest
    static void every_public_type_has_javadoc(JavaClasses ignored) throws IOException {
        List<String> without = new ArrayList<>();
        for (Path module : modules()) {
            try (Stream<Path> files = Files.walk(module.resolve("src/main/java"))) {
                for (Path file :
                        files.filter(each -> each.toString().endsWith(".java")).toList()) {
                    List<String> lines = Files.readAllLines(file);
                    for (int i = 0; i < lines.size(); i++) {
                        if (PUBLIC_TYPE.matcher(lines.get(i)).matches() && !isDocumented(lines, i)) {
                            without.add(file + ":" + (i + 1));
                        }
                    }
                }
            }
        }
        assertThat(without).isEmpty();
    }

    /** Those with classes; other folders may change meanwhile, as modules are built side by side. */
    private static List<Path> modules() throws IOException {
        List<Path> modules = new ArrayList<>();
        for (String folder : List.of("../..", "../../scheduler-integration", "../../examples")) {
            try (Stream<Path> children = Files.list(Path.of(folder))) {
                children.filter(child -> Files.isDirectory(child.resolve("src/main/java")))
                        .forEach(modules::add);
            }
        }
        assertThat(modules).hasSizeGreaterThan(25);
        return modules;
    }

    /** Looks upwards for the end of a comment, past annotations of any length. */
    private static boolean isDocumented(List<String> lines, int type) {
        for (int i = type - 1; i >= 0; i--) {
            String line = lines.get(i).strip();
            if (line.endsWith("*/")) {
                return true;
            }
            if (line.isEmpty() || line.endsWith(";") || line.endsWith("}") && !line.startsWith("@")) {
                return false;
            }
        }
        return false;
    }

    @ArchTest
    static void the_rules_see_every_module(JavaClasses all) {
        Set<String> packages = new TreeSet<>();
        all.forEach(type -> packages.add(type.getPackageName()));
        assertThat(packages)
                .contains(
                        "io.hapax",
                        "io.hapax.lease",
                        "io.hapax.event",
                        "io.hapax.time",
                        "io.hapax.ledger",
                        "io.hapax.ops",
                        "io.hapax.redis",
                        "io.hapax.postgres",
                        "io.hapax.quartz",
                        "io.hapax.jobrunr",
                        "io.hapax.micrometer",
                        "io.hapax.console",
                        "io.hapax.shedlock",
                        "io.hapax.http",
                        "io.hapax.integration",
                        "io.hapax.micronaut",
                        "io.hapax.cli",
                        "io.hapax.test",
                        "io.hapax.testkit",
                        "io.hapax.worker");
        assertThat(new ClassFileImporter().importPackages("io.hapax.lease")).isNotEmpty();
    }
}
