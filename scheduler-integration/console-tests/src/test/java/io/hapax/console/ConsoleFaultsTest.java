package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.InjectedFault.Answer;
import io.hapax.testkit.InjectedFault.Failed;
import io.hapax.testkit.InjectedFault.Thrown;
import io.hapax.time.Ticker;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reports, the page and its streams go on, whatever store and ledger do. */
@Tag("slow")
class ConsoleFaultsTest {

    private static final Duration LONG = Duration.ofSeconds(60);

    private final FaultInjector faults = new FaultInjector();
    private final AdministeredStore store =
            faults.around(AdministeredStore.class, new InMemoryLeaseStore(Ticker.SYSTEM));
    private final RunLedger ledger = faults.around(RunLedger.class, new InMemoryRunLedger(Ticker.SYSTEM));
    private final Console console = Console.builder(store).ledger(ledger).build();
    private final JobGuard guard = JobGuard.builder(store)
            .worker("alice")
            .ledger(ledger)
            .withoutLogging()
            .listener(console)
            .build();
    private final ConsoleServer server;
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    ConsoleFaultsTest() {
        console.start(guard);
        server = new ConsoleServer(console.servlet());
    }

    @AfterEach
    void close() {
        faults.healthy();
        faults.release();
        console.close();
        server.close();
        guard.close();
        store.close();
        ledger.close();
    }

    @Test
    void a_store_that_answers_no_operators_is_refused_at_start() {
        Console.Builder builder = Console.builder(faults.around(LeaseStore.class, store));
        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessageContaining("answers no operators")
                .withMessageContaining("io.hapax.ops.AdministeredStore");
    }

    static List<InjectedFault> anything() {
        return List.of(
                new Thrown(new IllegalStateException("runtime")),
                new Thrown(new AssertionError("error")),
                new Thrown(new OutOfMemoryError("unable to create native thread")),
                new Thrown(new Exception("sneaky")),
                new Failed(new AssertionError("error")),
                Answer.NULL,
                Answer.STAGE_OF_NULL,
                Answer.CANCELLED,
                Answer.NEVER);
    }

    /** Where each fault takes seconds: one of each kind. */
    static List<InjectedFault> oneOfEachKind() {
        return List.of(new Thrown(new AssertionError("error")), Answer.STAGE_OF_NULL, Answer.CANCELLED, Answer.NEVER);
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(server.at(path)).timeout(LONG).build(), BodyHandlers.ofString());
    }

    /** What the stream has told so far; it is read by a thread of the client. */
    private Queue<String> watching() {
        Queue<String> told = new ConcurrentLinkedQueue<>();
        var unused = client.sendAsync(
                        HttpRequest.newBuilder(server.at("api/stream")).build(), BodyHandlers.ofLines())
                .thenAccept(response -> response.body().forEach(told::add));
        return told;
    }

    private void tells(Queue<String> stream, String what) {
        stream.clear();
        await(what).atMost(LONG).until(() -> stream.stream().anyMatch(line -> line.contains(what)));
    }

    @ParameterizedTest
    @MethodSource("oneOfEachKind")
    void reports_go_on_after_one_that_the_store_did_not_take(InjectedFault fault) {
        faults.inject(FleetBoard.class, "post", fault, 2);
        int before = faults.calls(FleetBoard.class, "post");
        await().atMost(LONG).until(() -> faults.calls(FleetBoard.class, "post") > before + 2);
        await().atMost(LONG).until(() -> get("api/fleet").body().contains("\"name\":\"alice\""));
    }

    @ParameterizedTest
    @MethodSource("oneOfEachKind")
    void whoever_watches_sees_trouble_and_then_the_fleet_again(InjectedFault fault) throws Exception {
        Queue<String> stream = watching();
        tells(stream, "\"name\":\"alice\"");
        faults.inject(FleetBoard.class, "news", fault);
        faults.inject(LeaseAdmin.class, "servers", fault);
        faults.inject(RunLedger.class, "entries", fault);
        tells(stream, "this is what they said last");
        assertThat(get("").statusCode()).isEqualTo(200);
        assertThat(get("api/fleet").statusCode()).isEqualTo(200);
        faults.healthy();
        tells(stream, "\"warnings\":[]");
        assertThat(stream).isNotEmpty();
    }

    @Test
    void the_watcher_looks_again_after_a_look_that_failed_as_a_whole() {
        Queue<String> stream = watching();
        tells(stream, "\"name\":\"alice\"");
        faults.inject(LeaseStore.class, "answerTimeout", new Thrown(new OutOfMemoryError("virtual machine")), 3);
        int before = faults.calls(LeaseStore.class, "answerTimeout");
        await().atMost(LONG).until(() -> faults.calls(LeaseStore.class, "answerTimeout") > before + 3);
        tells(stream, "\"name\":\"alice\"");
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_search_tells_the_trouble_of_the_store_and_the_next_one_finds(InjectedFault fault) throws Exception {
        faults.inject(LeaseAdmin.class, "leases", fault);
        faults.inject(RunLedger.class, "entries", fault);
        faults.inject(LeaseAdmin.class, "audit", fault);
        for (String path : List.of("api/leases", "api/runs", "api/audit")) {
            HttpResponse<String> answer = get(path);
            assertThat(answer.statusCode()).as(path).isEqualTo(503);
            assertThat(answer.body()).contains("\"error\":\"").doesNotContain("\"error\":\"null\"");
        }
        faults.healthy();
        for (String path : List.of("api/leases", "api/runs", "api/audit")) {
            assertThat(get(path).statusCode()).as(path).isEqualTo(200);
        }
    }
}
