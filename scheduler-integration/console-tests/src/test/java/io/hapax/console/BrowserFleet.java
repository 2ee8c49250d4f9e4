package io.hapax.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static io.hapax.console.Workers.CREDENTIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** A live fleet of three workers that hold leases, and a real browser that looks at their consoles. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class BrowserFleet {

    /** A page, the browser's processes, or what answers them, may not work for seconds. */
    static final int SLOW_MILLIS = 60_000;

    /** Of the leases that all tests of a class look at: one of them freezes Redis until the page says so. */
    private static final Duration TTL = Duration.ofSeconds(50);

    private static final Path SCREENSHOTS = Path.of("target", "screenshots");

    private final int runs;
    private final String database;
    private final List<BrowserContext> contexts = new ArrayList<>();
    final List<String> errors = new ArrayList<>();
    private final Set<GuardedRun> kept = new HashSet<>();
    /** Of which the browser tells. */
    boolean connectionsBreak;

    EmbeddedRedis redis;
    Workers workers;
    ConsoleServer secured;
    ConsoleServer open;
    private Playwright playwright;
    private Browser browser;

    /**
     * A fleet of its own.
     *
     * @param runs how many leases it holds
     */
    BrowserFleet(int runs, String database) {
        this.runs = runs;
        this.database = database;
    }

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
        PlaywrightAssertions.setDefaultAssertionTimeout(SLOW_MILLIS);
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setTimeout(SLOW_MILLIS)
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
        workers = new Workers(redis, EmbeddedDatabase.shared().createDatabase(database));
        for (String name : List.of("alice", "bob", "carol")) {
            workers.start(name, name.equals("bob") ? null : CREDENTIAL);
        }
        for (int n = 0; n < runs; n++) {
            kept.add(workers.get(List.of("alice", "bob", "carol").get(n % 3))
                    .begin(RunRequest.lock("invoice/" + n)
                            .once("send-invoice/" + n)
                            .job("send-invoice")
                            .ttl(TTL)));
        }
        secured = new ConsoleServer(workers.get("alice").console().servlet());
        open = new ConsoleServer(workers.get("bob").console().servlet());
    }

    @AfterEach
    void endRuns() {
        workers.all().forEach(worker -> worker.endAllBut(kept));
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

    Page page(ConsoleServer server) {
        return page(server, new Browser.NewContextOptions().setViewportSize(1280, 800));
    }

    Page page(ConsoleServer server, Browser.NewContextOptions options) {
        BrowserContext context = browser.newContext(options);
        context.setDefaultTimeout(SLOW_MILLIS);
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

    Page seesAll(Page page) {
        assertThat(page.locator("#work-count")).containsText("of " + runs, slow());
        assertThat(page.locator("#link-text")).hasText("live");
        return page;
    }

    static LocatorAssertions.ContainsTextOptions slow() {
        return new LocatorAssertions.ContainsTextOptions().setTimeout(SLOW_MILLIS);
    }

    Page loggedIn(Page page) {
        page.locator("#credential").fill(CREDENTIAL);
        page.locator("#login-form button").click();
        return seesAll(page);
    }

    static void shoot(Page page, String name) {
        page.screenshot(new Page.ScreenshotOptions().setPath(SCREENSHOTS.resolve(name + ".png")));
    }

    static Locator row(Page page, String key) {
        return page.locator("#work tbody tr", new Page.LocatorOptions().setHasText(key));
    }
}
