package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.OwnThread;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.junit.jupiter.api.Test;

class ServerLifeTest {

    /** Past the first look, after a second, and long over at the second one, also on a busy machine. */
    private static final long LOCKED = Duration.ofMillis(1050).toNanos();

    private static BackgroundJobServer server(BooleanSupplier running) {
        return new BackgroundJobServer(
                new InMemoryStorageProvider(),
                new JacksonJsonMapper(),
                null,
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()) {
            @Override
            public boolean isRunning() {
                return running.getAsBoolean();
            }
        };
    }

    /** As JobRunr 7.0, which answers when it has stopped. */
    @Test
    void a_server_that_is_being_stopped_does_not_make_others_take_themselves_for_stopped() throws Exception {
        CountDownLatch stopped = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        BackgroundJobServer stopping = server(() -> {
            asked.countDown();
            Fleet.eventually().until(() -> stopped.getCount() == 0);
            return false;
        });
        BackgroundJobServer other = server(() -> true);
        CompletableFuture<Boolean> answer = OwnThread.supply(() -> ServerLife.isRunningUninterrupted(stopping));
        asked.await();

        assertThat(ServerLife.isRunning(other)).isTrue();
        assertThat(answer.join()).isFalse();
        assertThat(ServerLife.isRunning(other)).isTrue();
        stopped.countDown();
    }

    @Test
    void a_server_that_answers_late_on_a_busy_machine_is_not_taken_for_stopped() {
        BackgroundJobServer busy = server(() -> {
            long started = System.nanoTime();
            while (System.nanoTime() - started < Duration.ofMillis(1500).toNanos()) {
                Thread.onSpinWait();
            }
            return true;
        });

        assertThat(ServerLife.isRunning(busy)).isTrue();
    }

    /** As while it starts, or where this process has stood still, and all of its threads go on at the same time. */
    @Test
    void a_server_that_is_locked_for_a_moment_is_not_taken_for_stopped() {
        BackgroundJobServer locked = server(() -> {
            long started = System.nanoTime();
            for (long left = LOCKED; left > 0; left = started + LOCKED - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            return true;
        });

        assertThat(ServerLife.isRunning(locked)).isTrue();
    }

    @Test
    void an_interrupt_is_kept() {
        BackgroundJobServer server = server(() -> true);
        Thread.currentThread().interrupt();
        boolean running = ServerLife.isRunningUninterrupted(server);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(running).isTrue();
    }

    @Test
    void a_server_that_cannot_answer_is_taken_for_stopped() {
        assertThat(ServerLife.isRunning(server(() -> {
                    throw new IllegalStateException("injected: no answer");
                })))
                .isFalse();
    }
}
