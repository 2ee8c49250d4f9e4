package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What holding a run costs, counted in what does not depend on the machine, so that none of it creeps up. */
class HeldRunsTest {

    private static final Duration TTL = Duration.ofSeconds(30);
    /** What is nobody's share of what is held. */
    private static final Set<Class<?>> COMMON = Set.of(Engine.class, Thread.class);
    /** Likewise, of one run: also what is looked after for several together. */
    private static final Set<Class<?>> COMMON_TO_RUNS = Set.of(Engine.class, Thread.class, DueQueue.Cohort.class);

    private final ManualTicker ticker = new ManualTicker();
    private final AtomicInteger renewed = new AtomicInteger();
    /** Who renews: other tests have watchdogs of their own. */
    private volatile long watchdog;

    private final JobGuard guard = JobGuard.builder(renewingAtOnce(new InMemoryLeaseStore(ticker)))
            .ticker(ticker)
            .withoutLogging()
            .build();
    private final List<GuardedRun> runs = new ArrayList<>();

    /** Its answers to renewals are always the same, and cost nothing. */
    private LeaseStore renewingAtOnce(LeaseStore memory) {
        List<Renewal> all = Collections.nCopies(Watchdog.LARGEST_PASS, new Renewal.Renewed(false));
        return (LeaseStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {LeaseStore.class}, (proxy, method, args) -> {
                    if (method.getName().equals("renew")) {
                        watchdog = Thread.currentThread().getId();
                        renewed.addAndGet(((List<?>) args[0]).size());
                        return CompletableFuture.completedFuture(all);
                    }
                    return method.getName().equals("blocking") ? proxy : method.invoke(memory, args);
                });
    }

    private GuardedRun.Scope held(JobGuard by, RunRequest request) throws InterruptedException {
        GuardedRun run = Answered.run(by.admit(request));
        runs.add(run);
        return run.enter(OnLeaseLost.SIGNAL);
    }

    private GuardedRun.Scope onThreadOfItsOwn(JobGuard by, RunRequest request) throws Exception {
        FutureTask<GuardedRun.Scope> held = new FutureTask<>(() -> held(by, request));
        new Thread(held).start();
        return held.get();
    }

    @AfterEach
    void end() {
        runs.forEach(GuardedRun::close);
        CurrentRun.swap(null);
        guard.close();
    }

    /** All that can be reached from an object; of the JDK's own, those that ours refer to. */
    private static Set<Object> reachable(Object from, Set<Class<?>> except) throws IllegalAccessException {
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> open = new ArrayDeque<>(List.of(from));
        while (!open.isEmpty()) {
            Object next = open.pop();
            if (except.contains(next.getClass()) || !seen.add(next)) {
                continue;
            }
            if (next instanceof Object[] array) {
                for (int n = 0; n < Array.getLength(array); n++) {
                    push(array[n], open);
                }
            }
            for (Class<?> type = next.getClass(); type.getName().startsWith("io.hapax."); type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers())
                            && !field.getType().isPrimitive()) {
                        field.setAccessible(true);
                        push(field.get(next), open);
                    }
                }
            }
        }
        return seen;
    }

    private static void push(Object value, Deque<Object> open) {
        // A constant is everybody's.
        if (value != null && !(value instanceof Enum)) {
            open.push(value);
        }
    }

    /** Of what was reached from one run and not from another one: the texts of its keys are the caller's. */
    private static List<Object> own(GuardedRun.Scope run, GuardedRun.Scope other) throws IllegalAccessException {
        Set<Object> own = reachable(run, COMMON_TO_RUNS);
        own.removeAll(reachable(other, COMMON_TO_RUNS));
        return own.stream().filter(object -> !(object instanceof String)).toList();
    }

    private static List<String> names(List<Object> objects) {
        return objects.stream().map(object -> object.getClass().getSimpleName()).toList();
    }

    /** As the JVM lays objects out unless its heap is very large: a head of 12 bytes, references of 4, sizes that are multiples of 8. */
    private static long bytes(Object object) {
        Class<?> shape = object.getClass();
        long bytes = 12;
        if (shape.isArray()) {
            bytes += 4 + (long) Array.getLength(object) * width(shape.getComponentType());
        }
        for (Class<?> type = shape; type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                bytes += Modifier.isStatic(field.getModifiers()) ? 0 : width(field.getType());
            }
        }
        return (bytes + 7) / 8 * 8;
    }

    private static int width(Class<?> type) {
        if (type == long.class || type == double.class) {
            return 8;
        }
        if (type == short.class || type == char.class) {
            return 2;
        }
        return type == boolean.class || type == byte.class ? 1 : 4;
    }

    private static long bytes(List<Object> objects) {
        return objects.stream().mapToLong(HeldRunsTest::bytes).sum();
    }

    @Test
    void a_held_run_keeps_less_than_300_bytes_in_seven_objects_of_its_own() throws Exception {
        GuardedRun.Scope first = onThreadOfItsOwn(guard, RunRequest.lock("first"));
        ticker.advance(Duration.ofSeconds(1));
        GuardedRun.Scope second = onThreadOfItsOwn(guard, RunRequest.lock("second"));
        List<Object> own = own(first, second);
        // Beside them each has its place among those that are renewed together, and its share of that cohort: some 10
        // bytes.
        assertThat(bytes(own)).as("%s", names(own)).isLessThanOrEqualTo(280);
        assertThat(names(own))
                .containsExactlyInAnyOrder(
                        "EnteredRun", "GuardedRun", "RunRequest", "JobIdentity", "LockKey", "RunHold", "Lease");
    }

    @Test
    void many_held_runs_keep_less_than_300_bytes_each_with_their_places_in_the_queue() throws Exception {
        for (int n = 0; n < 1000; n++) {
            var unused = held(guard, RunRequest.lock("k" + n));
        }
        // Until all of them have been renewed together.
        for (int second = 0; second < TTL.toSeconds(); second++) {
            ticker.advance(Duration.ofSeconds(1));
        }
        Field queue = Watchdog.class.getDeclaredField("queue");
        queue.setAccessible(true);
        List<Object> all = reachable(queue.get(guard.engine().watchdog()), COMMON).stream()
                .filter(object -> !(object instanceof String))
                .toList();
        assertThat(names(all).stream().filter(name -> name.equals("EnteredRun")))
                .hasSize(1000);
        assertThat(bytes(all) / 1000).isLessThan(290);
    }

    @Test
    void a_run_with_a_ledger_keeps_no_more_than_what_its_claim_takes() throws Exception {
        JobGuard twice = JobGuard.builder(new InMemoryLeaseStore(ticker))
                .ledger(new InMemoryRunLedger(ticker))
                .ticker(ticker)
                .withoutLogging()
                .build();
        GuardedRun.Scope first =
                onThreadOfItsOwn(twice, RunRequest.lock("first").once("1"));
        ticker.advance(Duration.ofSeconds(1));
        GuardedRun.Scope second =
                onThreadOfItsOwn(twice, RunRequest.lock("second").once("2"));
        List<Object> own = own(first, second);
        assertThat(bytes(own)).as("%s", names(own)).isLessThanOrEqualTo(504);
        end();
        twice.close();
    }

    @Test
    void code_that_locks_its_run_keeps_nobody_from_renewing_it() throws Exception {
        var unused = onThreadOfItsOwn(guard, RunRequest.lock("k"));
        GuardedRun run = runs.get(0);
        synchronized (run) {
            for (int second = 0; second < TTL.toSeconds(); second++) {
                ticker.advance(Duration.ofSeconds(1));
            }
            assertThat(renewed).hasPositiveValue();
            assertThat(run.isHeld()).isTrue();
        }
    }

    @Test
    void a_renewal_of_many_leaves_little_to_collect() throws Exception {
        for (int n = 0; n < 1000; n++) {
            var unused = held(guard, RunRequest.lock("k" + n));
        }
        ticker.advance(TTL);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = threads.getThreadAllocatedBytes(watchdog);
        int before = renewed.get();
        for (int n = 0; n < 600; n++) {
            ticker.advance(Duration.ofMillis(100));
        }
        int renewals = renewed.get() - before;
        assertThat(renewals).isGreaterThan(4000);
        // It is a count, with room for code that is interpreted, which allocates what compiled code need not.
        assertThat((threads.getThreadAllocatedBytes(watchdog) - bytes) / renewals)
                .isPositive()
                .isLessThan(1000);
    }
}
