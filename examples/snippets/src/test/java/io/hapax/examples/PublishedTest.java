package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is published can be found: each module of the bom has the name of a Java module, and a page that leads to it. */
class PublishedTest {

    private static final Pattern ARTIFACT = Pattern.compile("<artifactId>(hapax-[a-z0-9-]+)</artifactId>");

    @Test
    void each_module_of_the_bom_names_its_java_module_and_has_a_description() {
        Map<String, String> poms = poms();
        List<String> names = new ArrayList<>();
        for (String module : modules()) {
            String pom = poms.get(module);
            assertThat(pom).as("the pom of " + module).isNotNull().contains("<description>");
            Matcher name = Pattern.compile("<hapax.module>(.*?)</hapax.module>").matcher(pom);
            assertThat(name.find())
                    .as(module + " needs the property hapax.module, such as <hapax.module>io.hapax.core</hapax.module>")
                    .isTrue();
            names.add(name.group(1));
        }
        assertThat(names)
                .hasSizeGreaterThan(8)
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("io\\.hapax(\\.[a-z0-9]+)+"));
    }

    @Test
    void what_is_not_in_the_bom_is_not_published() {
        poms().forEach((module, pom) -> {
            boolean published = modules().contains(module)
                    || List.of("hapax-bom", "hapax-parent").contains(module);
            boolean example = module.startsWith("hapax-example");
            assertThat(pom.contains("<maven.deploy.skip>true<") || example)
                    .as(module + " is in the bom, or sets maven.deploy.skip")
                    .isEqualTo(!published);
        });
    }

    @Test
    void the_map_of_the_documentation_names_each_module() {
        String map = Pages.read(Pages.ROOT.resolve("docs/README.md"));
        assertThat(modules())
                .filteredOn(module -> !module.equals("hapax-api"))
                .allSatisfy(module -> assertThat(map).contains("`" + module + "`"));
    }

    private static List<String> modules() {
        Matcher artifact = ARTIFACT.matcher(Pages.read(Pages.ROOT.resolve("scheduler-integration/bom/pom.xml")));
        List<String> modules = new ArrayList<>();
        while (artifact.find()) {
            modules.add(artifact.group(1));
        }
        modules.remove("hapax-bom");
        return modules;
    }

    /** The poms of this build by the names of their artifacts. */
    private static Map<String, String> poms() {
        Map<String, String> poms = new HashMap<>();
        for (Path file :
                Pages.files(file -> file.endsWith("pom.xml") && !file.toString().contains("/.ci/"))) {
            String pom = Pages.read(file);
            Matcher artifact = ARTIFACT.matcher(pom.replaceFirst("(?s)<parent>.*?</parent>", ""));
            assertThat(artifact.find()).as("the artifact of " + file).isTrue();
            poms.put(artifact.group(1), pom);
        }
        return poms;
    }
}
