package io.hapax.spring;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.PolicyContract;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class BeanMethodPolicyTest extends PolicyContract {

    /** An annotation that has the guard's. */
    @Retention(RetentionPolicy.RUNTIME)
    @Guarded(key = METHOD_KEY, ttl = METHOD_TTL)
    @interface Composed {}

    private static Found current() {
        GuardedRun run = CurrentRun.get();
        return new Found(
                run.identity().lock().orElseThrow().value(),
                run.lease().orElseThrow().ttl());
    }

    /** Methods that state their settings themselves. */
    public static class Methods {
        @Guarded(key = METHOD_KEY)
        public Found keyOnly() {
            return current();
        }

        @Guarded(key = METHOD_KEY, ttl = METHOD_TTL)
        public Found stated() {
            return current();
        }

        @Composed
        public Found composed() {
            return current();
        }
    }

    /** Methods are guarded where they carry the annotation; what it leaves out, the class states. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public static class OfClass {
        @Guarded
        public Found plain() {
            return current();
        }

        @Guarded(ttl = METHOD_TTL)
        public Found nearer() {
            return current();
        }
    }

    /** Methods whose superclass states them. */
    public static class OfSuperclass extends OfClass {
        @Guarded
        @Override
        public Found plain() {
            return current();
        }
    }

    /** States them for all who implement it. */
    @Guarded(key = TYPE_KEY, ttl = TYPE_TTL)
    public interface Stating {
        /** @return what it found */
        Found plain();
    }

    /** Methods whose interface states them. */
    public static class OfInterface implements Stating {
        @Guarded
        @Override
        public Found plain() {
            return current();
        }
    }

    /** Methods that override those which state them. */
    public static class Overriding extends Methods {
        @Override
        public Found stated() {
            return current();
        }
    }

    /** States what cannot be. */
    public static class Wrong {
        @Guarded(key = METHOD_KEY, ttl = "soon")
        public Found wrong() {
            return current();
        }
    }

    private static ApplicationContextRunner runner() {
        return new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
                .withUserConfiguration(InMemoryHapax.Store.class)
                .withPropertyValues("hapax.defaults.ttl=" + DEFAULT_TTL.toSeconds() + "s");
    }

    private static <B> Found call(Class<? extends B> type, Class<B> seen, Function<B, Found> method) {
        AtomicReference<@Nullable Found> found = new AtomicReference<>();
        runner().withBean(type).run(context -> found.set(method.apply(context.getBean(seen))));
        Found result = found.get();
        if (result == null) {
            throw new IllegalStateException("the method was not called");
        }
        return result;
    }

    @Override
    protected Found found(Stated where) {
        return switch (where) {
            case KEY_ONLY -> call(Methods.class, Methods.class, Methods::keyOnly);
            case ON_METHOD -> call(Methods.class, Methods.class, Methods::stated);
            case BY_COMPOSED_ANNOTATION -> call(Methods.class, Methods.class, Methods::composed);
            case ON_CLASS -> call(OfClass.class, OfClass.class, OfClass::plain);
            case ON_SUPERCLASS -> call(OfSuperclass.class, OfSuperclass.class, OfSuperclass::plain);
            case ON_INTERFACE -> call(OfInterface.class, Stating.class, Stating::plain);
            case ON_OVERRIDDEN_METHOD -> call(Overriding.class, Overriding.class, Overriding::stated);
            case ON_METHOD_AND_CLASS -> call(OfClass.class, OfClass.class, OfClass::nearer);
            case IN_ENTRIES_AND_ON_METHOD -> throw new IllegalArgumentException("a method has no entries");
        };
    }

    @Override
    protected String refusalOfWrongTtl() {
        AtomicReference<String> refusal = new AtomicReference<>("");
        runner().withBean(Wrong.class).run(context -> {
            for (Throwable failure = context.getStartupFailure(); failure != null; failure = failure.getCause()) {
                refusal.set(refusal.get() + failure.getMessage() + System.lineSeparator());
            }
        });
        return refusal.get();
    }
}
