package io.hapax.worker;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Instant;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;

/** The direction of dependencies and the rules of style that a machine can check; it sees every module. */
@AnalyzeClasses(packages = "io.hapax", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    private static final String[] API = {"io.hapax.lease..", "io.hapax.event..", "io.hapax.time.."};
    private static final String CORE = "io.hapax";
    private static final String[] STORES = {"io.hapax.redis.."};
    private static final String[] SCHEDULERS = {"io.hapax.quartz..", "io.hapax.jobrunr..", "io.hapax.micrometer.."};
    private static final String TESTKIT = "io.hapax.testkit..";
    private static final String WORKER = "io.hapax.worker..";

    @ArchTest
    static final ArchRule api_knows_only_java_and_jspecify = classes()
            .that(resideInAnyPackage(API))
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage("java..", "org.jspecify..", API[0], API[1], API[2]));

    @ArchTest
    static final ArchRule core_knows_only_the_api_and_slf4j = classes()
            .that(resideInAPackage(CORE))
            .should()
            .onlyDependOnClassesThat(
                    resideInAnyPackage("java..", "org.jspecify..", "org.slf4j..", CORE, API[0], API[1], API[2]));

    @ArchTest
    static final ArchRule inside_the_api_leases_do_not_know_events =
            noClasses().that(resideInAPackage(API[0])).should().dependOnClassesThat(resideInAPackage(API[1]));

    @ArchTest
    static final ArchRule stores_know_neither_the_guard_nor_schedulers = noClasses()
            .that(resideInAnyPackage(STORES))
            .should()
            .dependOnClassesThat(resideInAnyPackage(CORE, SCHEDULERS[0], SCHEDULERS[1], SCHEDULERS[2], TESTKIT));

    @ArchTest
    static final ArchRule schedulers_do_not_know_stores = noClasses()
            .that(resideInAnyPackage(SCHEDULERS))
            .should()
            .dependOnClassesThat(resideInAnyPackage(STORES[0], TESTKIT, "org.redisson.."));

    @ArchTest
    static final ArchRule quartz_and_jobrunr_do_not_know_each_other =
            slices().matching("io.hapax.(*)..").namingSlices("$1").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule libraries_do_not_know_the_worker =
            noClasses().that().resideOutsideOfPackage(WORKER).should().dependOnClassesThat(resideInAPackage(WORKER));

    @ArchTest
    static final ArchRule no_grab_bags = noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Manager|Impl)$");

    @ArchTest
    static final ArchRule leases_are_not_judged_by_the_wall_clock = noClasses()
            .that()
            .resideOutsideOfPackages(WORKER, TESTKIT, "io.hapax.quartz..", "io.hapax.jobrunr..")
            .and()
            .doNotHaveSimpleName("PessimisticTicker")
            .should()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(Instant.class, "now");

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
        Set<String> adapters = Set.of("io.hapax.redis", "io.hapax.quartz", "io.hapax.jobrunr", "io.hapax.micrometer");
        Set<String> found = new TreeSet<>();
        all.stream()
                .filter(type -> adapters.contains(type.getPackageName()))
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC) && !type.isNestedClass())
                .forEach(type -> found.add(type.getSimpleName()));
        assertThat(found)
                .containsExactlyInAnyOrder(
                        "GuardMetrics",
                        "HapaxPlugin",
                        "HapaxPerformerFactory",
                        "JobRunrGuard",
                        "RedissonLeaseStore",
                        "RedissonLeaseStoreProvider");
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
                        "io.hapax.redis",
                        "io.hapax.quartz",
                        "io.hapax.jobrunr",
                        "io.hapax.micrometer",
                        "io.hapax.testkit",
                        "io.hapax.worker");
        assertThat(new ClassFileImporter().importPackages("io.hapax.lease")).isNotEmpty();
    }
}
