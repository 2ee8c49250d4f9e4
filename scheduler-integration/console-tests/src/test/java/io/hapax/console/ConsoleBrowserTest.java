package io.hapax.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.ColorScheme;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.testkit.FreePort;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The page in a real browser, with a thousand leases. */
@Tag("slow")
class ConsoleBrowserTest extends BrowserFleet {

    private static final int RUNS = 1000;

    ConsoleBrowserTest() {
        super(RUNS, "console_browser");
    }

    @Test
    void a_thousand_leases_of_three_workers_are_shown_without_looking_through_redis() {
        Page page = seesAll(page(open));
        assertThat(page.locator("#work tbody tr")).hasCount(RUNS);
        Map<String, Long> before = calls();
        long begun = System.nanoTime();
        String seen = page.locator("#work tbody tr .age").first().textContent();
        await().atMost(Duration.ofSeconds(60))
                .until(() -> !page.locator("#work tbody tr .age")
                        .first()
                        .textContent()
                        .equals(seen));
        await().atMost(Duration.ofSeconds(60)).until(() -> calls("get", before) > 30);
        assertThat(calls("scan", before) + calls("keys", before)).isZero();
        // Renewals go on, one script a hundred leases; the page costs a few scripts a second and a key a worker.
        long scripts = calls("evalsha", before);
        long seconds = 1 + Duration.ofNanos(System.nanoTime() - begun).toSeconds();
        assertThat(scripts).isLessThan(Math.max(400, 40 * seconds));
        shoot(page, "console-light");
    }

    private Map<String, Long> calls() {
        return redis.commandStats();
    }

    private long calls(String command, Map<String, Long> before) {
        return redis.commandStats().getOrDefault(command, 0L) - before.getOrDefault(command, 0L);
    }

    @Test
    void what_begins_and_ends_is_seen_without_a_reload() {
        Page page = seesAll(page(open));
        page.locator("#work-text").fill("nightly");
        for (int n = 0; n < 2; n++) {
            GuardedRun run =
                    workers.get("carol").begin(RunRequest.lock("nightly/" + n).job("nightly"));
            assertThat(row(page, "nightly/" + n))
                    .hasCount(1, new LocatorAssertions.HasCountOptions().setTimeout(SLOW_MILLIS));
            workers.get("carol").end(run);
            assertThat(row(page, "nightly/" + n))
                    .hasCount(0, new LocatorAssertions.HasCountOptions().setTimeout(SLOW_MILLIS));
        }
    }

    @Test
    void runs_are_found_by_text_worker_and_age() {
        Page page = seesAll(page(open));
        page.keyboard().press("/");
        page.keyboard().type("send-invoice/99");
        assertThat(page.locator("#work tbody tr")).hasCount(11);
        page.locator("#work-worker").selectOption("carol");
        assertThat(page.locator("#work tbody tr")).hasCount(3);
        assertThat(page.locator("#work-count")).containsText("3 runs of " + RUNS);
        page.locator("#work-age").selectOption("86400");
        assertThat(page.locator("#work tbody tr")).hasCount(0);
    }

    @Test
    void on_a_phone_nothing_is_wider_than_the_screen_and_runs_are_cards() {
        Page page = seesAll(page(
                open,
                new Browser.NewContextOptions()
                        .setViewportSize(390, 844)
                        .setIsMobile(true)
                        .setHasTouch(true)
                        .setColorScheme(ColorScheme.DARK)));
        for (String tab : List.of("work", "jobs", "waiting", "events", "abandoned", "search", "health", "audit")) {
            page.locator("#tab-" + tab).tap();
            assertThat(page.locator("#panel-" + tab)).isVisible();
            assertThat((Boolean) page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
                    .as(tab)
                    .isTrue();
        }
        page.locator("#tab-work").tap();
        shoot(page, "console-phone");
        page.locator("#work tbody tr button").first().tap();
        assertThat(page.locator("#detail")).isVisible();
        assertThat((Boolean)
                        page.evaluate("document.getElementById('detail').getBoundingClientRect().right <= innerWidth"))
                .isTrue();
        shoot(page, "console-phone-run");
    }

    /** The browser sends a dialog's "close" later than it closes it: what arrives in between must not open it again. */
    @Test
    void a_closed_run_stays_closed_and_an_open_one_goes_on_being_shown_whatever_arrives_meanwhile() {
        Page page = page(open);
        page.addInitScript("""
                window.EventSource = class extends EventSource {
                  constructor(address) {
                    super(address);
                    this.addEventListener('message', message => { window.again = () => this.onmessage(message); });
                  }
                };""");
        page.reload();
        seesAll(page);
        page.locator("#work tbody tr button").first().click();
        assertThat(page.locator("#detail")).isVisible();
        page.evaluate("() => { document.getElementById('detail').close(); window.again(); }");
        assertThat(page.locator("#detail")).not().isVisible();

        page.locator("#work tbody tr button").first().click();
        page.evaluate("""
                () => new Promise(closed => {
                  const dialog = document.getElementById('detail');
                  dialog.addEventListener('close', closed, { once: true });
                  dialog.close();
                  document.querySelector('#work tbody tr button').click();
                })""");
        assertThat(page.locator("#detail")).isVisible();
        page.evaluate("""
                () => {
                  document.getElementById('detail-facts').replaceChildren();
                  window.again();
                }""");
        assertThat(page.locator("#detail-facts")).containsText("Held by");
    }

    @Test
    void leases_and_occurrences_are_looked_for_when_asked() {
        Page page = seesAll(page(open));
        page.locator("#tab-search").click();
        page.locator("#search-text").fill("invoice/998");
        page.locator("#search-form button").click();
        assertThat(page.locator("#search tbody tr")).hasCount(1);
        assertThat(page.locator("#search tbody tr")).containsText("carol");
        page.locator("#search-in").selectOption("running");
        page.locator("#search-form button").click();
        assertThat(page.locator("#search-count")).containsText("1 occurrence");
        assertThat(page.locator("#search tbody tr")).containsText("send-invoice/998");
    }

    @Test
    void a_page_whose_worker_is_gone_says_so_and_goes_on_when_it_is_back() {
        connectionsBreak = true;
        ConsoleServer first = new ConsoleServer(workers.get("bob").console().servlet(), FreePort.next());
        Page page = seesAll(page(first));
        first.close();
        assertThat(page.locator("#link-text")).containsText("no data for", slow());
        try (ConsoleServer second =
                new ConsoleServer(workers.get("bob").console().servlet(), first.port())) {
            assertThat(second.port()).isPositive();
            assertThat(page.locator("#link-text"))
                    .hasText("live", new LocatorAssertions.HasTextOptions().setTimeout(SLOW_MILLIS));
        }
    }
}
