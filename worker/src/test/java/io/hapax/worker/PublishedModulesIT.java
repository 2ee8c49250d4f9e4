package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.console.Console;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.micrometer.GuardMetrics;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The packaged jars on the module path: each has a name that it keeps, and all of them fit into one application. */
class PublishedModulesIT {

    private static final Map<String, Class<?>> MODULES = Map.of(
            "io.hapax.api", LeaseStore.class,
            "io.hapax.core", JobGuard.class,
            "io.hapax.redis", RedissonLeaseStore.class,
            "io.hapax.postgres", PostgresRunLedger.class,
            "io.hapax.quartz", HapaxPlugin.class,
            "io.hapax.jobrunr", JobRunrGuard.class,
            "io.hapax.micrometer", GuardMetrics.class,
            "io.hapax.console", Console.class);

    @Test
    void each_jar_has_the_name_that_applications_require() throws Exception {
        for (Map.Entry<String, Class<?>> each : MODULES.entrySet()) {
            assertThat(descriptor(each.getValue()).name()).isEqualTo(each.getKey());
        }
    }

    /** A package in two modules is refused by the JVM. */
    @Test
    void no_package_is_in_two_modules_so_one_application_can_have_them_all() throws Exception {
        List<String> packages = new ArrayList<>();
        List<Path> jars = new ArrayList<>();
        for (Class<?> each : MODULES.values()) {
            packages.addAll(descriptor(each).packages());
            jars.add(jar(each));
        }
        assertThat(packages).doesNotHaveDuplicates().contains("io.hapax", "io.hapax.lease");
        Set<String> resolved = new TreeSet<>();
        ModuleLayer.boot()
                .configuration()
                .resolve(ModuleFinder.of(jars.toArray(Path[]::new)), ModuleFinder.of(), MODULES.keySet())
                .modules()
                .forEach(module -> resolved.add(module.name()));
        assertThat(resolved).containsExactlyInAnyOrderElementsOf(MODULES.keySet());
    }

    private static ModuleDescriptor descriptor(Class<?> type) throws URISyntaxException {
        return ModuleFinder.of(jar(type)).findAll().iterator().next().descriptor();
    }

    private static Path jar(Class<?> type) throws URISyntaxException {
        Path jar =
                Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
        assertThat(jar.toString()).as("the packaged jar of " + type).endsWith(".jar");
        return jar;
    }
}
