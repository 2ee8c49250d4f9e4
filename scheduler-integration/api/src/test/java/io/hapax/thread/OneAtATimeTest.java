package io.hapax.thread;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class OneAtATimeTest {

    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 2);
    private final OneAtATime one = new OneAtATime(LONGEST, now::get);
    private final AtomicInteger asked = new AtomicInteger();

    private boolean ask(CompletionStage<?> answer) {
        return one.ask(() -> {
            asked.incrementAndGet();
            return answer;
        });
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    private OneAtATime.Turn started() {
        OneAtATime.Turn turn = one.start();
        assertThat(turn).isNotNull();
        return turn;
    }

    @Test
    void who_comes_while_it_goes_on_leaves_it_to_the_other() {
        assertThat(one.isGoing()).isFalse();
        OneAtATime.Turn first = started();
        assertThat(one.isGoing()).isTrue();
        assertThat(one.start()).isNull();
        first.end();
        assertThat(one.isGoing()).isFalse();
        assertThat(one.start()).isNotNull();
    }

    @Test
    void an_end_that_is_lost_is_waited_for_so_long() {
        assertThat(one.start()).isNotNull();
        pass(LONGEST);
        assertThat(one.isGoing()).isTrue();
        assertThat(one.start()).isNull();
        pass(Duration.ofNanos(1));
        assertThat(one.isGoing()).isFalse();
        assertThat(one.start()).isNotNull();
        assertThat(one.start()).isNull();
    }

    @Test
    void what_shows_that_it_goes_on_is_waited_for_longer() {
        OneAtATime.Turn turn = started();
        pass(LONGEST);
        assertThat(turn.goesOn()).isTrue();
        pass(LONGEST);
        assertThat(one.start()).isNull();
    }

    @Test
    void who_was_not_waited_for_does_not_end_the_turn_of_the_next_one_nor_prolong_it() {
        OneAtATime.Turn late = started();
        pass(LONGEST.plusNanos(1));
        OneAtATime.Turn next = started();
        late.end();
        assertThat(one.start()).isNull();
        pass(LONGEST);
        assertThat(late.goesOn()).isFalse();
        pass(Duration.ofNanos(1));
        assertThat(one.isGoing()).isFalse();
        next.end();
        assertThat(started().goesOn()).isTrue();
    }

    @Test
    void an_answer_that_comes_too_late_does_not_end_the_question_of_the_next_one() {
        CompletableFuture<String> late = new CompletableFuture<>();
        assertThat(ask(late)).isTrue();
        pass(LONGEST.plusNanos(1));
        assertThat(ask(new CompletableFuture<>())).isTrue();
        late.complete("late");
        assertThat(ask(new CompletableFuture<>())).isFalse();
    }

    @Test
    void it_is_asked_once_until_there_is_an_answer() {
        CompletableFuture<String> answer = new CompletableFuture<>();
        assertThat(ask(answer)).isTrue();
        assertThat(ask(answer)).isFalse();
        assertThat(asked).hasValue(1);
        answer.complete("done");
        assertThat(ask(CompletableFuture.failedFuture(new IllegalStateException())))
                .isTrue();
        assertThat(ask(answer)).isTrue();
    }

    @Test
    void a_question_that_throws_or_has_no_answer_is_over() {
        assertThatExceptionOfType(OutOfMemoryError.class)
                .isThrownBy(() -> one.ask(() -> {
                    throw new OutOfMemoryError("as if");
                }));
        assertThat(ask(null)).isFalse();
        assertThat(one.isGoing()).isFalse();
    }
}
