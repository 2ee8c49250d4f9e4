package io.hapax.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.hapax.console.Workers.CREDENTIAL;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.ops.AuditEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What operators see and do on the page, in a real browser. */
@Tag("slow")
class ConsoleActionsTest extends BrowserFleet {

    private static final int RUNS = 24;

    ConsoleActionsTest() {
        super(RUNS, "console_actions");
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
            assertThat(dialog).containsText("left unless it is renewed (ttl 50 s)");
            assertThat(dialog).containsText("Fencing token");
            assertThat(dialog).containsText("Skipped", slow());
            assertThat(dialog).containsText("held by bob for ");
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
    void a_planned_firing_that_failed_is_not_shown_as_completed() {
        RunRequest nightly = RunRequest.occurrence("nightly@7").job("nightly");
        RunRequest firing = nightly.planned().endsWithFailure();
        workers.get("carol").fail(firing);
        workers.get("alice").refused(firing);
        Page page = seesAll(page(open));
        page.locator("#tab-events").click();
        page.locator("#events-text").fill("nightly");
        page.locator("#events-what").selectOption("refused");
        Locator row = page.locator("#events tbody tr").first();
        assertThat(row).containsText("failed on carol at ", slow());
        assertThat(row).containsText(", and is not tried again");
        assertThat(row).not().containsText("completed by");
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
        for (int n = 0; n < 4; n++) {
            page.keyboard().press("ArrowRight");
        }
        assertThat(page.locator("#tab-abandoned")).isFocused();
        // The ledger only permits it: what is left to do is said before and after.
        for (String[] choice : new String[][] {
            {"payment/7", "Mark as done", "DONE", "Marked as done: payment/7"},
            {
                "payment/8",
                "Let it run again",
                "RELEASED",
                "May run again: payment/8. Next step: let its scheduler fire it again; in JobRunr requeue the job, in Quartz"
                        + " trigger it."
            }
        }) {
            Locator name =
                    page.locator("#panel-abandoned").getByRole(AriaRole.BUTTON).getByText(choice[0]);
            name.focus();
            page.keyboard().press("Enter");
            assertThat(page.locator("#detail")).isVisible();
            assertThat(page.locator("#act-warning"))
                    .containsText(
                            "To let it run again only permits that: its scheduler then has to fire it once more.");
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
            assertThat(page.locator("#done")).hasText(choice[3]);
            assertThat(page.locator("#panel-abandoned").getByText(choice[0])).hasCount(0);
            assertThat(audited(choice[0])).singleElement().satisfies(entry -> {
                assertThat(entry.action()).isEqualTo("RESOLVE_" + choice[2]);
                assertThat(entry.why()).hasToString("ben (console): asked the bank");
            });
        }
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
    void texts_of_others_are_never_markup() {
        GuardedRun run = workers.get("carol")
                .begin(RunRequest.lock("<img src=x onerror=alert(1)>").job("<script>alert(1)</script>"));
        workers.get("alice")
                .refused(RunRequest.lock("<img src=x onerror=alert(1)>").job("<b>bold</b>"));
        Page page = page(open);
        page.onDialog(dialog -> errors.add("a dialog was opened: " + dialog.message()));
        assertThat(row(page, "<script>alert(1)</script>"))
                .hasCount(1, new LocatorAssertions.HasCountOptions().setTimeout(SLOW_MILLIS));
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
        dave.begin(RunRequest.lock("daves").job("of-dave"));
        page.locator("#tab-work").click();
        assertThat(row(page, "daves")).hasCount(1, new LocatorAssertions.HasCountOptions().setTimeout(SLOW_MILLIS));
        // As when it dies: nobody hears of its runs any more.
        dave.console().close();
        assertThat(page.locator("#notices")).containsText("worker dave has not reported since", slow());
        assertThat(page.locator("#notices")).containsText("It held 1 run");
        assertThat(page.locator("#work-gone")).containsText("of-dave");
        workers.stop("dave");
        assertThat(dave.guard().activeRuns()).isZero();
        redis.freeze();
        try {
            assertThat(page.locator("#notices")).containsText("no answer within 4000 ms", slow());
            assertThat(page.locator("#tab-health")).containsText("1 down", slow());
            assertThat(page.locator("#notices")).containsText("this is what they said last");
            assertThat(page.locator("#tab-work")).containsText(String.valueOf(RUNS));
            shoot(page, "console-health");
        } finally {
            redis.thaw();
        }
        assertThat(page.locator("#notices"))
                .not()
                .containsText("no answer", new LocatorAssertions.ContainsTextOptions().setTimeout(SLOW_MILLIS));
    }

    private void historyOf(String job) {
        for (int n = 0; n < 4; n++) {
            workers.get("alice")
                    .succeed(RunRequest.lock(job).once(job + "/" + n).job(job));
        }
    }

    @ParameterizedTest
    @CsvSource({"1400, 900", "390, 844"})
    void each_of_the_five_questions_is_answered_with_at_most_one_click(int width, int height) {
        String job = "sync-" + width;
        historyOf(job);
        GuardedRun run = workers.get("carol")
                .begin(RunRequest.lock(job).once(job + "/now").job(job));
        workers.get("bob").refused(RunRequest.lock(job).once(job + "/late").job(job));
        Page page = page(open, new Browser.NewContextOptions().setViewportSize(width, height));
        // What runs, who holds it, since when: without a click.
        Locator row = row(page, "run " + job + "/now");
        assertThat(row).containsText("carol", slow());
        assertThat(row.locator(".age")).containsText(Pattern.compile("\\d+ s"));
        assertThat(row).containsText(Pattern.compile("\\d\\d:\\d\\d:\\d\\d"));
        // Why it was skipped, when it last succeeded: one click.
        row.getByRole(AriaRole.LINK).click();
        Locator panel = page.locator("#panel-job");
        assertThat(page.locator("#job-name")).isFocused();
        assertThat(page.locator("#job-why")).containsText(Pattern.compile("Skipped.*held by carol for \\d+ s, since "));
        Locator success = panel.locator(".tile").first();
        assertThat(success).containsText(Pattern.compile("Last success.*\\d+ s ago.*on alice"));
        assertThat(panel).containsText("Who holds it");
        assertThat((Boolean) page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
                .isTrue();
        assertThat(page.locator(".strip li")).hasCount(5);
        shoot(page, "console-job-" + width);

        workers.get("carol").end(run);
        assertThat(page.locator(".strip li")).hasCount(6);
        assertThat(panel).not().containsText("Who holds it");
    }

    @Test
    void the_page_of_a_job_has_an_address_and_its_strip_is_read_by_keyboard() {
        String job = "a job/with 100 % odd <b>name</b>";
        historyOf(job);
        Page page = seesAll(page(open));
        page.evaluate("name => { location.hash = '#/job/' + encodeURIComponent(name); }", job);
        assertThat(page.locator("#job-name")).hasText(job);
        assertThat(page.locator(".strip li")).hasCount(4);
        page.reload();
        assertThat(page.locator("#job-name"))
                .hasText(job, new LocatorAssertions.HasTextOptions().setTimeout(SLOW_MILLIS));
        assertThat(page.locator("#tab-jobs")).hasAttribute("aria-selected", "true");
        assertThat(page.locator(".strip li[tabindex='0']")).hasCount(1);
        page.locator(".strip li[tabindex='0']").focus();
        for (String key : List.of("Home", "ArrowRight", "End", "ArrowLeft")) {
            page.keyboard().press(key);
        }
        assertThat(page.locator("#mark-2")).isFocused();
        assertThat(page.locator("#mark-2")).hasAttribute("title", Pattern.compile("Ran, .*, on alice"));
        assertThat(page.locator("#strip-says")).containsText("on alice");
        page.locator("#job-list > summary").click();
        assertThat(page.locator("#job-list tbody tr")).hasCount(4);
        assertThat(page.locator("main b")).hasCount(0);
        page.getByText("All jobs").click();
        assertThat(page.locator("#jobs")).containsText(job);
        page.goBack();
        assertThat(page.locator("#job-name")).hasText(job);
    }

    @Test
    void what_nobody_remembers_says_how_to_get_there() {
        Page page = seesAll(page(open));
        page.evaluate("location.hash = '#/job/never'");
        assertThat(page.locator("#panel-job")).containsText("Workers remember the last hundred");
        page.evaluate("location.hash = '#jobs'");
        page.locator("#jobs-text").fill("never");
        assertThat(page.locator("#jobs")).containsText("No job has such a name.");
    }
}
