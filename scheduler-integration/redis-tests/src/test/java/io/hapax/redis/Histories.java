package io.hapax.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Many histories made of random steps, other ones in each run of the tests.
 *
 * <p>A history that fails is made as short as it goes while it still fails, and is told together with the seed:
 * {@code -Dhapax.test.seed=…} brings all of them back.
 */
record Histories<S>(List<S> steps, int shortest, int longest) {

    static final String SEED = "hapax.test.seed";
    static final int TRIES = 300;

    /** Lets each history happen; one that throws fails the test. */
    void each(Consumer<List<S>> happen) {
        each(Long.getLong(SEED, new SplittableRandom().nextLong()), happen);
    }

    void each(long seed, Consumer<List<S>> happen) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int n = 1; n <= TRIES; n++) {
            List<S> history = next(random);
            Throwable failure = failure(history, happen);
            if (failure != null) {
                throw failed(n, seed, history, failure, happen);
            }
        }
    }

    private List<S> next(SplittableRandom random) {
        int length = random.nextInt(shortest, longest + 1);
        List<S> history = new ArrayList<>(length);
        while (history.size() < length) {
            history.add(steps.get(random.nextInt(steps.size())));
        }
        return history;
    }

    private static <S> @Nullable Throwable failure(List<S> history, Consumer<List<S>> happen) {
        try {
            happen.accept(List.copyOf(history));
            return null;
        } catch (RuntimeException | AssertionError e) {
            return e;
        }
    }

    private static <S> AssertionError failed(
            int n, long seed, List<S> history, Throwable first, Consumer<List<S>> happen) {
        List<S> shortest = new ArrayList<>(history);
        Throwable failure = first;
        for (int step = shortest.size() - 1; step >= 0; step--) {
            List<S> without = new ArrayList<>(shortest);
            without.remove(step);
            Throwable still = failure(without, happen);
            if (still != null) {
                shortest = without;
                failure = still;
            }
        }
        return new AssertionError(
                "history " + n + " of " + TRIES + " fails: " + shortest + ", shortened from " + history
                        + ". Repeat it with -D" + SEED + "=" + seed + "\n" + failure.getMessage(),
                failure);
    }
}
