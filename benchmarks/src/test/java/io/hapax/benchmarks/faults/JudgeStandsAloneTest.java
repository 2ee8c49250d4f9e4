package io.hapax.benchmarks.faults;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Two opinions are worth more than one only if neither knows the other. */
class JudgeStandsAloneTest {

    private static final String JUDGE = "io.hapax.benchmarks.faults.judge";

    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.hapax.benchmarks.faults");

    @Test
    void the_second_checker_knows_nothing_of_the_harness() {
        classes()
                .that()
                .resideInAPackage(JUDGE)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("java..", "org.jspecify..", JUDGE)
                .check(classes);
    }

    @Test
    void the_first_checker_and_the_promises_know_nothing_of_the_second() {
        noClasses()
                .that()
                .resideInAPackage("io.hapax.benchmarks.faults.history")
                .or()
                .haveSimpleName("Promise")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(JUDGE)
                .check(classes);
    }
}
