package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.LeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** What comes after a shutdown may take away what a store needs in order to end, as a class loader. */
class ClosedStoreTest {

    private final AtomicBoolean closed = new AtomicBoolean();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(Ticker.SYSTEM);

    /** Takes a moment to end. */
    private final LeaseStore slow = (LeaseStore) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {LeaseStore.class}, (proxy, method, arguments) -> {
                try {
                    if (method.getName().equals("close")) {
                        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
                        closed.set(true);
                    }
                    return method.invoke(memory, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });

    @Test
    void a_store_that_the_guard_owns_is_closed_when_the_shutdown_returns() throws Exception {
        JobGuard guard = JobGuard.builder(slow).closesStore().build();
        assertThat(guard.run(RunRequest.lock("k"), run -> 1)).isInstanceOf(RunResult.Ran.class);
        assertThat(guard.shutdown(Duration.ofSeconds(5))).isTrue();
        assertThat(closed).isTrue();
    }

    @Test
    void and_when_close_returns_if_no_run_is_active() throws Exception {
        JobGuard guard = JobGuard.builder(slow).closesStore().build();
        assertThat(guard.run(RunRequest.lock("k"), run -> 1)).isInstanceOf(RunResult.Ran.class);
        guard.close();
        assertThat(closed).isTrue();
        guard.close();
    }

    @Test
    void a_guard_that_is_closed_within_a_run_waits_for_nothing_and_the_store_is_closed_after_the_run()
            throws Exception {
        JobGuard guard = JobGuard.builder(slow).closesStore().build();
        assertThat(guard.run(RunRequest.lock("k"), run -> {
                    guard.close();
                    assertThat(closed).isFalse();
                    return 1;
                }))
                .isInstanceOf(RunResult.Ran.class);
        await().untilTrue(closed);
    }

    @Test
    void a_thread_that_is_interrupted_closes_the_guard_and_keeps_its_flag() {
        JobGuard guard = JobGuard.builder(slow).closesStore().build();
        Thread.currentThread().interrupt();
        guard.close();
        assertThat(Thread.interrupted()).isTrue();
        await().untilTrue(closed);
    }

    @Test
    void a_shutdown_inside_a_run_does_not_wait_for_the_store_that_the_run_still_needs() throws Exception {
        JobGuard guard = JobGuard.builder(slow).closesStore().build();
        assertThat(guard.run(RunRequest.lock("k"), run -> {
                    assertThat(guard.shutdown(Duration.ofSeconds(5))).isTrue();
                    assertThat(closed).isFalse();
                    return 1;
                }))
                .isInstanceOf(RunResult.Ran.class);
    }
}
