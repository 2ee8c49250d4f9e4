package io.hapax.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each link of a page leads to a file that is there, and to a heading that this file has. Addresses in the network are not asked. */
class LinksTest {

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} +(.*?) *$");

    static List<Path> pages() {
        return Pages.all();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void each_link_leads_somewhere(Path page) {
        List<String> dead = new ArrayList<>();
        Matcher link = LINK.matcher(withoutCode(Pages.read(page)));
        while (link.find()) {
            if (!leadsSomewhere(page, link.group(1))) {
                dead.add(link.group(1));
            }
        }
        assertThat(dead).as("dead links of " + Pages.name(page)).isEmpty();
    }

    private static boolean leadsSomewhere(Path page, String target) {
        if (target.matches("(https?|mailto):.*")) {
            return true;
        }
        int hash = target.indexOf('#');
        String file = hash < 0 ? target : target.substring(0, hash);
        Path to = file.isEmpty() ? page : page.resolveSibling(file).normalize();
        return Files.exists(to) && (hash < 0 || anchors(Pages.read(to)).contains(target.substring(hash + 1)));
    }

    /** What stands in blocks of code is no link and no heading. */
    private static String withoutCode(String page) {
        return page.replaceAll("(?ms)^```.*?^```", "").replaceAll("`[^`\n]*`\\s*\\(", "(");
    }

    /** The names that headings have on GitHub and its like. */
    static Set<String> anchors(String page) {
        Map<String, Integer> seen = new HashMap<>();
        Set<String> anchors = new HashSet<>();
        Matcher heading = HEADING.matcher(page.replaceAll("(?ms)^```.*?^```", ""));
        while (heading.find()) {
            String name = anchor(heading.group(1));
            int before = seen.merge(name, 1, Integer::sum) - 1;
            anchors.add(before == 0 ? name : name + "-" + before);
        }
        return anchors;
    }

    static String anchor(String heading) {
        return heading.replaceAll("\\[([^\\]]*)\\]\\([^)]*\\)", "$1")
                .toLowerCase(Locale.ROOT)
                .replaceAll("[^\\p{L}\\p{N} _-]", "")
                .replace(' ', '-');
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "`hapax locks show` | hapax-locks-show",
                "My job was skipped: why? | my-job-was-skipped-why",
                "Level 1: a lease in one Redis (or Sentinel, or Cluster) | level-1-a-lease-in-one-redis-or-sentinel-or-cluster",
                "HapaxLeaseLost | hapaxleaselost"
            })
    void a_heading_has_the_anchor_that_links_use(String heading, String anchor) {
        assertThat(anchor(heading)).isEqualTo(anchor);
    }

    @Test
    void a_link_to_a_missing_file_or_heading_is_dead() {
        Path page = Pages.ROOT.resolve("README.md");
        assertThat(leadsSomewhere(page, "docs/quartz.md")).isTrue();
        assertThat(leadsSomewhere(page, "docs/no-such-page.md")).isFalse();
        assertThat(leadsSomewhere(page, "#what-is-promised-and-what-is-not")).isTrue();
        assertThat(leadsSomewhere(page, "docs/quartz.md#no-such-heading")).isFalse();
    }

    /** A page that no map leads to is not found. */
    @Test
    void the_map_of_the_documentation_leads_to_each_of_its_pages() {
        String map = Pages.read(Pages.ROOT.resolve("docs/README.md"));
        List<Path> pages = Pages.files(file -> file.getParent().equals(Pages.ROOT.resolve("docs"))
                && file.toString().endsWith(".md")
                && !file.endsWith("README.md"));
        assertThat(pages)
                .hasSizeGreaterThan(20)
                .allSatisfy(page -> assertThat(map).contains("(" + page.getFileName()));
    }
}
