package io.hapax.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.hapax.console.Workers.CREDENTIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.ops.AuditEntry;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The page in a real browser: a live fleet of three workers that hold a thousand leases. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("slow")
class ConsoleBrowserTest {

    private static final int RUNS = 1000;
    private static final Path SCREENSHOTS = Path.of("target", "screenshots");

    private final List<BrowserContext> contexts = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    /** Of which the browser tells. */
    private boolean connectionsBreak;

    private EmbeddedRedis redis;
    private Workers workers;
    private ConsoleServer secured;
    private ConsoleServer open;
    private Playwright playwright;
    private Browser browser;

    @BeforeAll
    void start() {
        Optional<Path> chromium = Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst();
        assertThat(chromium.isPresent() || System.getenv("HAPAX_TOOLS_REQUIRED") == null)
                .as("Chromium is here, as HAPAX_TOOLS_REQUIRED demands")
                .isTrue();
        assumeTrue(chromium.isPresent(), "skipped: no Chromium (apt-get install chromium)");
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(chromium.get())
                        .setArgs(List.of(
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-quic",
                                "--no-first-run",
                                "--disable-background-networking",
                                "--disable-component-update",
                                "--disable-sync")));
        redis = EmbeddedRedis.start();
        workers = new Workers(redis, EmbeddedDatabase.shared().createDatabase("console_browser"));
        for (String name : List.of("alice", "bob", "carol")) {
            workers.start(name, name.equals("bob") ? null : CREDENTIAL);
        }
        for (int n = 0; n < RUNS; n++) {
            workers.get(List.of("alice", "bob", "carol").get(n % 3))
                    .begin(RunRequest.lock("invoice/" + n)
                            .once("send-invoice/" + n)
                            .job("send-invoice"));
        }
        secured = new ConsoleServer(workers.get("alice").console().servlet());
        open = new ConsoleServer(workers.get("bob").console().servlet());
    }

    @AfterEach
    void closePages() {
        contexts.forEach(BrowserContext::close);
        contexts.clear();
        List<String> seen = connectionsBreak ? List.of() : List.copyOf(errors);
        connectionsBreak = false;
        errors.clear();
        assertThat(seen).isEmpty();
    }

    @AfterAll
    void stop() {
        if (playwright == null) {
            return;
        }
        playwright.close();
        if (open != null) {
            secured.close();
            open.close();
            workers.close();
            redis.close();
        }
    }

    private Page page(ConsoleServer server) {
        return page(server, new Browser.NewContextOptions().setViewportSize(1280, 800));
    }

    private Page page(ConsoleServer server, Browser.NewContextOptions options) {
        BrowserContext context = browser.newContext(options);
        contexts.add(context);
        Page page = context.newPage();
        page.onPageError(errors::add);
        page.onConsoleMessage(message -> {
            // A refused login is told by the browser, too.
            if (message.type().equals("error") && !message.text().contains("status of 401")) {
                errors.add(message.text());
            }
        });
        page.navigate(server.at("").toString());
        return page;
    }

    private static Page seesAll(Page page) {
        assertThat(page.locator("#work-count")).containsText("of " + RUNS, slow());
        assertThat(page.locator("#link-text")).hasText("live");
        return page;
    }

    private static LocatorAssertions.ContainsTextOptions slow() {
        return new LocatorAssertions.ContainsTextOptions().setTimeout(20_000);
    }

    private static Page loggedIn(Page page) {
        page.locator("#credential").fill(CREDENTIAL);
        page.locator("#login-form button").click();
        return seesAll(page);
    }

    private static void shoot(Page page, String name) {
        page.screenshot(new Page.ScreenshotOptions().setPath(SCREENSHOTS.resolve(name + ".png")));
    }

    private static Locator row(Page page, String key) {
        return page.locator("#work tbody tr", new Page.LocatorOptions().setHasText(key));
    }

    @Test
    void a_thousand_leases_of_three_workers_are_shown_without_looking_through_redis() {
        Page page = seesAll(page(open));
        assertThat(page.locator("#work tbody tr")).hasCount(RUNS);
        Map<String, Long> before = calls();
        String seen = page.locator("#work tbody tr .age").first().textContent();
        await().until(() ->
                !page.locator("#work tbody tr .age").first().textContent().equals(seen));
        await().atMost(Duration.ofSeconds(20)).until(() -> calls("get", before) > 30);
        assertThat(calls("scan", before) + calls("keys", before)).isZero();
        // Renewals go on, one script a hundred leases; the page costs a few scripts a second and a key a worker.
        assertThat(calls("evalsha", before)).isLessThan(400);
        shoot(page, "console-light");
    }

    private Map<String, Long> calls() {
        return redis.commandStats();
    }

    private long calls(String command, Map<String, Long> before) {
        return redis.commandStats().getOrDefault(command, 0L) - before.getOrDefault(command, 0L);
    }

    @Test
    void what_begins_and_ends_is_seen_within_two_seconds() {
        Page page = seesAll(page(open));
        page.locator("#work-text").fill("nightly");
        List<Long> millis = new ArrayList<>();
        for (int n = 0; n < 5; n++) {
            GuardedRun run =
                    workers.get("carol").begin(RunRequest.lock("nightly/" + n).job("nightly"));
            long begun = System.nanoTime();
            assertThat(row(page, "nightly/" + n))
                    .hasCount(1, new LocatorAssertions.HasCountOptions().setTimeout(20_000));
            millis.add((System.nanoTime() - begun) / 1_000_000);
            workers.get("carol").end(run);
            begun = System.nanoTime();
            assertThat(row(page, "nightly/" + n))
                    .hasCount(0, new LocatorAssertions.HasCountOptions().setTimeout(20_000));
            millis.add((System.nanoTime() - begun) / 1_000_000);
        }
        // The typical one: this machine may stand still for a moment.
        assertThat(millis.stream().sorted().toList().get(millis.size() / 2))
                .as("of %s", millis)
                .isLessThan(2000);
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
    void a_run_says_who_holds_it_and_why_others_of_its_job_were_skipped() {
        workers.get("carol").refused(RunRequest.lock("invoice/4").job("send-invoice"));
        var waiting = workers.get("carol")
                .guard()
                .admitAsync(RunRequest.lock("invoice/4").job("impatient").waitAtMost(Duration.ofMinutes(1)));
        try {
            Page page = seesAll(page(open));
            page.locator("#work-text").fill("send-invoice/4");
            row(page, "lock invoice/4,").getByRole(AriaRole.BUTTON).click();
            Locator dialog = page.locator("#detail");
            assertThat(dialog).containsText("bob, thread ");
            assertThat(dialog).containsText("left unless it is renewed (ttl 30 s)");
            assertThat(dialog).containsText("Fencing token");
            assertThat(dialog).containsText("skipped OVERLAP", slow());
            assertThat(dialog).containsText("the key is held by bob");
            assertThat(dialog).containsText("carol, impatient", slow());
            assertThat(dialog).containsText("Read-only: no credential is configured.");
            assertThat(page.locator("#act")).isHidden();
            shoot(page, "console-run");
            dialog.getByText("All of them").click();
            assertThat(page.locator("#events tbody tr").first()).containsText("another occurrence holds the lock key");
            shoot(page, "console-skipped");
            page.locator("#tab-waiting").click();
            assertThat(page.locator("#panel-waiting")).containsText("impatient");
        } finally {
            waiting.cancel(true);
        }
    }

    @Test
    void a_lease_is_taken_away_after_login_reason_and_confirmation_and_is_audited() {
        GuardedRun stuck = workers.get("carol").begin(RunRequest.lock("stuck/1").job("stuck"));
        Page page = page(secured);
        assertThat(page.locator("#login")).isVisible();
        page.locator("#credential").fill("not the credential");
        page.locator("#login-form button").click();
        assertThat(page.locator("#login-error")).hasText("that is not the credential");
        page.locator("#credential").fill(CREDENTIAL);
        page.keyboard().press("Enter");
        assertThat(page.locator("#work-count")).containsText("of " + (RUNS + 1), slow());

        page.locator("#work-text").fill("stuck");
        row(page, "stuck/1").getByRole(AriaRole.BUTTON).click();
        assertThat(page.locator("#act-warning")).containsText("Only if carol is gone for good");
        page.locator("#act-actor").fill("ann");
        page.locator("#act-reason").fill("carol's host is gone");
        page.locator("#act-confirm").fill("stuck/2");
        page.locator("#act-buttons button").click();
        assertThat(page.locator("#act-error")).hasText("That is not the key.");
        assertThat(isHeld(stuck)).isTrue();
        shoot(page, "console-release");
        page.locator("#act-confirm").fill("stuck/1");
        page.locator("#act-buttons button").click();
        assertThat(page.locator("#done")).hasText("Taken away: stuck/1");
        assertThat(isHeld(stuck)).isFalse();
        assertThat(audited("stuck/1"))
                .singleElement()
                .satisfies(entry -> assertThat(entry.why()).hasToString("ann (console): carol's host is gone"));
        page.locator("#tab-audit").click();
        assertThat(page.locator("#panel-audit tbody tr").first()).containsText("carol's host is gone");
        shoot(page, "console-audit");
        workers.get("carol").end(stuck);

        page.locator("#log-out").click();
        assertThat(page.locator("#login")).isVisible();
    }

    private boolean isHeld(GuardedRun run) {
        return workers.get("alice")
                .guard()
                .admin()
                .holder(run.identity())
                .join()
                .isPresent();
    }

    private List<AuditEntry> audited(String key) {
        Workers.Worker worker = workers.get("alice");
        List<AuditEntry> all = new ArrayList<>(
                worker.store().admin().audit(1000).toCompletableFuture().join());
        all.addAll(worker.ledger().audit(1000).toCompletableFuture().join());
        return all.stream().filter(entry -> entry.subject().contains(key)).toList();
    }

    @Test
    void a_key_is_paused_where_its_run_is_seen_and_resumed_where_pauses_are_listed() {
        GuardedRun run = workers.get("carol").begin(RunRequest.lock("broken/1").job("broken"));
        Page page = page(secured);
        page.locator("#credential").fill(CREDENTIAL);
        page.keyboard().press("Enter");
        assertThat(page.locator("#work-count")).containsText("of " + (RUNS + 1), slow());
        page.locator("#work-text").fill("broken");
        row(page, "broken/1").getByRole(AriaRole.BUTTON).click();
        page.locator("#act-other").click();
        assertThat(page.locator("#act-title")).hasText("Pause the key");
        page.locator("#act-actor").fill("ann");
        page.locator("#act-reason").fill("it sends wrong sums");
        page.locator("#act-confirm").fill("broken/1");
        page.locator("#act-buttons button").click();
        assertThat(page.locator("#done")).hasText("Paused: broken/1");
        assertThat(isHeld(run)).isTrue();
        workers.get("carol").end(run);

        page.locator("#tab-search").click();
        page.locator("#search-in").selectOption("pauses");
        page.locator("#search-form button").click();
        assertThat(page.locator("#search tbody tr")).containsText("it sends wrong sums");
        page.locator("#search tbody button").click();
        assertThat(page.locator("#detail-facts")).containsText("somebody resumes it");
        page.locator("#act-reason").fill("mended");
        page.locator("#act-confirm").fill("broken/1");
        page.locator("#act-buttons button").click();
        assertThat(page.locator("#done")).hasText("Resumed: broken/1");
        assertThat(audited("broken/1")).extracting(AuditEntry::action).containsExactly("RESUME", "PAUSE");
    }

    @Test
    void an_abandoned_run_is_decided_about_by_keyboard_alone() {
        workers.get("carol").abandon("pay", "payment/7");
        workers.get("carol").abandon("pay", "payment/8");
        Page page = loggedIn(page(secured));
        page.locator("#tab-work").focus();
        for (int n = 0; n < 3; n++) {
            page.keyboard().press("ArrowRight");
        }
        assertThat(page.locator("#tab-abandoned")).isFocused();
        for (String[] choice :
                new String[][] {{"payment/7", "Mark as done", "DONE"}, {"payment/8", "Let it run again", "RELEASED"}}) {
            Locator name =
                    page.locator("#panel-abandoned").getByRole(AriaRole.BUTTON).getByText(choice[0]);
            name.focus();
            page.keyboard().press("Enter");
            assertThat(page.locator("#detail")).isVisible();
            shoot(page, "console-abandoned");
            page.locator("#act-actor").focus();
            page.keyboard().press("ControlOrMeta+a");
            page.keyboard().type("ben");
            page.keyboard().press("Tab");
            page.keyboard().type("asked the bank");
            page.keyboard().press("Tab");
            page.keyboard().type(choice[0]);
            // It must not choose between two deeds.
            page.keyboard().press("Enter");
            assertThat(audited(choice[0])).isEmpty();
            for (int n = 0; n < 2; n++) {
                page.keyboard().press("Tab");
                if (page.evaluate("document.activeElement.textContent").equals(choice[1])) {
                    break;
                }
            }
            page.keyboard().press("Enter");
            assertThat(page.locator("#done")).containsText(choice[0]);
            assertThat(page.locator("#panel-abandoned").getByText(choice[0])).hasCount(0);
            assertThat(audited(choice[0])).singleElement().satisfies(entry -> {
                assertThat(entry.action()).isEqualTo("RESOLVE_" + choice[2]);
                assertThat(entry.why()).hasToString("ben (console): asked the bank");
            });
        }
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
        for (String tab : List.of("work", "waiting", "events", "abandoned", "search", "health", "audit")) {
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

    @Test
    void it_follows_the_system_s_colours_unless_told_otherwise() {
        Page page = page(
                open, new Browser.NewContextOptions().setViewportSize(1280, 800).setColorScheme(ColorScheme.DARK));
        String dark = ground(seesAll(page));
        page.locator("#theme").selectOption("light");
        assertThat(ground(page)).isNotEqualTo(dark);
        page.reload();
        assertThat(page.locator("#theme")).hasValue("light");
        assertThat(ground(page)).isNotEqualTo(dark);
        page.locator("#theme").selectOption("dark");
        assertThat(ground(page)).isEqualTo(dark);
        shoot(seesAll(page), "console-dark");
    }

    private static String ground(Page page) {
        return String.valueOf(page.evaluate("getComputedStyle(document.body).backgroundColor"));
    }

    @Test
    void every_field_has_a_label_and_texts_have_enough_contrast() {
        Page page = seesAll(page(open));
        assertThat(
                        (List<?>)
                                page.evaluate(
                                        "[...document.querySelectorAll('input:not([hidden]), select')].filter(e => !e.labels.length).map(e => e.id)"))
                .isEmpty();
        assertThat(
                        (List<?>)
                                page.evaluate(
                                        "[...document.querySelectorAll('button')].filter(e => !e.textContent.trim() && !e.getAttribute('aria-label')).map(e => e.id)"))
                .isEmpty();
        for (String theme : List.of("light", "dark")) {
            page.locator("#theme").selectOption(theme);
            for (String text : List.of("--ink", "--soft", "--accent", "--good", "--warn", "--bad")) {
                assertThat(contrast(page, text, "--sheet")).as(theme + text).isGreaterThan(4.5);
            }
            assertThat(contrast(page, "--bad", "--bad-ground")).isGreaterThan(4.5);
            assertThat(contrast(page, "--warn", "--warn-ground")).isGreaterThan(4.5);
        }
    }

    /** WCAG 2.2, relative luminance. */
    private static double contrast(Page page, String text, String ground) {
        return ((Number) page.evaluate("""
                        ([a, b]) => {
                          const style = getComputedStyle(document.documentElement);
                          const light = name => {
                            const hex = style.getPropertyValue(name).trim();
                            const [r, g, b] = [1, 3, 5].map(n => parseInt(hex.slice(n, n + 2), 16) / 255)
                              .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                            return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
                          };
                          const [x, y] = [light(a), light(b)];
                          return Math.max(x, y) / Math.min(x, y);
                        }""", List.of(text, ground))).doubleValue();
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
    void texts_of_others_are_never_markup() {
        GuardedRun run = workers.get("carol")
                .begin(RunRequest.lock("<img src=x onerror=alert(1)>").job("<script>alert(1)</script>"));
        workers.get("alice")
                .refused(RunRequest.lock("<img src=x onerror=alert(1)>").job("<b>bold</b>"));
        Page page = page(open);
        page.onDialog(dialog -> errors.add("a dialog was opened: " + dialog.message()));
        assertThat(row(page, "<script>alert(1)</script>"))
                .hasCount(1, new LocatorAssertions.HasCountOptions().setTimeout(20_000));
        page.locator("#tab-events").click();
        assertThat(page.locator("#events")).containsText("<b>bold</b>", slow());
        assertThat(page.locator("main img, main script, main b")).hasCount(0);
        workers.get("carol").end(run);
    }

    @Test
    void a_worker_that_falls_silent_and_a_server_that_does_not_answer_are_said() {
        Workers.Worker dave = workers.start("dave");
        Page page = page(open);
        page.locator("#tab-health").click();
        assertThat(page.locator("#panel-health")).containsText("dave", slow());
        workers.stop("dave");
        assertThat(dave.guard().activeRuns()).isZero();
        assertThat(page.locator("#notices")).containsText("worker dave has not reported since", slow());
        redis.freeze();
        try {
            assertThat(page.locator("#notices")).containsText("no answer within 2000 ms", slow());
            assertThat(page.locator("#tab-health")).containsText("1 down", slow());
            assertThat(page.locator("#notices")).containsText("this is what they said last");
            assertThat(page.locator("#tab-work")).containsText(String.valueOf(RUNS));
            shoot(page, "console-health");
        } finally {
            redis.thaw();
        }
        assertThat(page.locator("#notices"))
                .not()
                .containsText("no answer", new LocatorAssertions.ContainsTextOptions().setTimeout(20_000));
    }

    @Test
    void a_page_whose_worker_is_gone_says_so_and_goes_on_when_it_is_back() {
        connectionsBreak = true;
        ConsoleServer first = new ConsoleServer(workers.get("bob").console().servlet());
        Page page = seesAll(page(first));
        first.close();
        assertThat(page.locator("#link-text")).containsText("nothing heard for", slow());
        try (ConsoleServer second =
                new ConsoleServer(workers.get("bob").console().servlet(), first.port())) {
            assertThat(second.port()).isPositive();
            assertThat(page.locator("#link-text"))
                    .hasText("live", new LocatorAssertions.HasTextOptions().setTimeout(20_000));
        }
    }
}
