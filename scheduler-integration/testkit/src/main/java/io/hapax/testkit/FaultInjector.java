package io.hapax.testkit;

import io.hapax.lease.LeaseStore;
import io.hapax.lease.Reservations;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.testkit.InjectedFault.Answer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.description.modifier.Visibility;
import net.bytebuddy.implementation.InvocationHandlerAdapter;
import net.bytebuddy.matcher.ElementMatchers;
import org.jspecify.annotations.Nullable;

/**
 * Lets any port, listener or callback misbehave on command, and counts its calls.
 *
 * <p>One injector may stand around several ports. A method is meant with all its overloads. What a lease store hands out
 * ({@code blocking()}, {@code reservations()}, {@code admin()}, {@code board()}) misbehaves as well. Thread-safe.
 */
public final class FaultInjector {

    private static final String HANDLER = "handler";
    /** Making a class takes longer than most tests. */
    private static final Map<Class<?>, Class<?>> TYPES = new ConcurrentHashMap<>();

    /** A method of a port and of the ports that extend it, with all its overloads. */
    private record Place(Class<?> port, String method) {
        boolean covers(Class<?> called, Method one) {
            return port.isAssignableFrom(called) && method.equals(one.getName());
        }
    }

    /** A fault and how often it still happens. */
    private record Order(InjectedFault fault, int times) {}

    private final Object lock = new Object();
    private final Map<Place, Order> orders = new HashMap<>();
    private final Map<Method, Integer> calls = new HashMap<>();
    private final Queue<Runnable> late = new ArrayDeque<>();

    /** Creates an injector without faults yet. */
    public FaultInjector() {}

    /**
     * Stands around an object.
     *
     * @param port a public interface; its default methods misbehave like the others
     * @param target carries out what gets through
     * @param <P> the port
     * @return what misbehaves
     */
    public <P> P around(Class<P> port, P target) {
        InvocationHandler handler = (proxy, method, arguments) -> method.getDeclaringClass() == Object.class
                ? objects(proxy, target, method, arguments)
                : called(port, target, method, arguments);
        try {
            Object around = type(port).getDeclaredConstructor().newInstance();
            around.getClass().getField(HANDLER).set(around, handler);
            return port.cast(around);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("nothing can stand around " + port, e);
        }
    }

    /** A java.lang.reflect.Proxy would wrap a checked exception that a method does not declare. */
    private static Class<?> type(Class<?> port) {
        return TYPES.computeIfAbsent(
                port,
                any -> new ByteBuddy()
                        .subclass(Object.class)
                        .implement(port)
                        .defineField(HANDLER, InvocationHandler.class, Visibility.PUBLIC)
                        .method(ElementMatchers.any())
                        .intercept(InvocationHandlerAdapter.toField(HANDLER))
                        .make()
                        .load(port.getClassLoader())
                        .getLoaded());
    }

    /**
     * Lets the next calls of a method misbehave.
     *
     * @param port the interface
     * @param method the method's name
     * @param fault what happens
     * @param times how many calls misbehave; then the method is healthy
     * @throws IllegalArgumentException if no such method can misbehave like this
     */
    public void inject(Class<?> port, String method, InjectedFault fault, int times) {
        if (Arrays.stream(port.getMethods()).noneMatch(m -> m.getName().equals(method) && fault.fits(m))) {
            throw new IllegalArgumentException(
                    "no method " + method + " of " + port.getSimpleName() + " can misbehave like " + fault);
        }
        synchronized (lock) {
            orders.put(new Place(port, method), new Order(fault, times));
        }
    }

    /**
     * Lets a method misbehave until {@link #healthy}.
     *
     * @param port the interface
     * @param method the method's name
     * @param fault what happens
     * @throws IllegalArgumentException if no such method can misbehave like this
     */
    public void inject(Class<?> port, String method, InjectedFault fault) {
        inject(port, method, fault, Integer.MAX_VALUE);
    }

    /** Ends all faults. What is late stays late. */
    public void healthy() {
        synchronized (lock) {
            orders.clear();
        }
    }

    /** Carries out and answers, in order and on this thread, what is late by now. */
    public void release() {
        for (Runnable next = nextLate(); next != null; next = nextLate()) {
            next.run();
        }
    }

    private @Nullable Runnable nextLate() {
        synchronized (lock) {
            return late.poll();
        }
    }

    /**
     * Counts calls of all overloads, also those that misbehaved.
     *
     * @param port the interface
     * @param method the method's name
     * @return how many there were
     */
    public int calls(Class<?> port, String method) {
        return Arrays.stream(port.getMethods())
                .filter(overload -> overload.getName().equals(method))
                .mapToInt(this::calls)
                .sum();
    }

    /**
     * Counts calls of one overload.
     *
     * @param method as the port's class tells it
     * @return how many there were, also those that misbehaved
     */
    public int calls(Method method) {
        synchronized (lock) {
            return calls.getOrDefault(method, 0);
        }
    }

    private static @Nullable Object objects(Object proxy, Object target, Method method, @Nullable Object[] arguments)
            throws Throwable {
        return switch (method.getName()) {
            case "equals" -> proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            case "toString" -> "faults around " + target;
            default -> carryOut(target, method, arguments);
        };
    }

    private @Nullable Object called(Class<?> port, Object target, Method method, @Nullable Object[] arguments)
            throws Throwable {
        InjectedFault fault = nextFault(port, method);
        if (fault == null) {
            return wrapped(carryOut(target, method, arguments));
        } else if (fault instanceof InjectedFault.Thrown thrown) {
            throw thrown.failure();
        } else if (fault instanceof InjectedFault.Failed failed) {
            Object stage = CompletableFuture.failedFuture(failed.failure());
            return stage;
        } else if (fault instanceof InjectedFault.FailedAfterwards failed) {
            return stage(target, method, arguments)
                    .thenCompose(lost -> CompletableFuture.failedFuture(failed.failure()));
        }
        return answer((Answer) fault, target, method, arguments);
    }

    private @Nullable Object answer(Answer fault, Object target, Method method, @Nullable Object[] arguments)
            throws Throwable {
        return switch (fault) {
            case NULL -> null;
            case STAGE_OF_NULL -> CompletableFuture.completedFuture(null);
            case TOO_SHORT, TOO_LONG, NULL_ELEMENTS ->
                stage(target, method, arguments).thenApply(list -> misshapen(fault, list));
            case NEVER -> new CompletableFuture<>();
            case NEVER_BUT_DONE -> {
                CompletionStage<?> unused = stage(target, method, arguments);
                yield new CompletableFuture<>();
            }
            case LATE, DONE_LATE -> late(fault, target, method, arguments);
            case TWICE -> {
                Object unused = carryOut(target, method, arguments);
                yield wrapped(carryOut(target, method, arguments));
            }
            case CANCELLED -> cancelled();
            case ON_ANOTHER_THREAD -> onAnotherThread(stage(target, method, arguments));
        };
    }

    private @Nullable InjectedFault nextFault(Class<?> port, Method method) {
        synchronized (lock) {
            calls.merge(method, 1, Integer::sum);
            for (Map.Entry<Place, Order> each : orders.entrySet()) {
                Order order = each.getValue();
                if (each.getKey().covers(port, method)
                        && order.times() > 0
                        && order.fault().fits(method)) {
                    each.setValue(new Order(order.fault(), order.times() - 1));
                    return order.fault();
                }
            }
            return null;
        }
    }

    private static @Nullable Object carryOut(Object target, Method method, @Nullable Object[] arguments)
            throws Throwable {
        try {
            // The target's class need not be public, as with lambdas.
            method.setAccessible(true);
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    private static CompletionStage<?> stage(Object target, Method method, @Nullable Object[] arguments)
            throws Throwable {
        if (carryOut(target, method, arguments) instanceof CompletionStage<?> stage) {
            return stage;
        }
        throw new IllegalStateException(target + " returned no stage from " + method);
    }

    private CompletableFuture<Object> late(
            InjectedFault fault, Object target, Method method, @Nullable Object[] arguments) throws Throwable {
        CompletableFuture<Object> answer = new CompletableFuture<>();
        CompletionStage<?> done = fault == Answer.LATE ? stage(target, method, arguments) : null;
        synchronized (lock) {
            late.add(() -> {
                try {
                    passOn(done == null ? stage(target, method, arguments) : done, answer);
                } catch (Throwable failure) {
                    answer.completeExceptionally(failure);
                }
            });
        }
        return answer;
    }

    private static CompletableFuture<Object> cancelled() {
        CompletableFuture<Object> stage = new CompletableFuture<>();
        stage.cancel(false);
        return stage;
    }

    private static CompletableFuture<Object> onAnotherThread(CompletionStage<?> done) {
        CompletableFuture<Object> answer = new CompletableFuture<>();
        var unused = done.whenComplete((value, failure) -> {
            Thread stranger = new Thread(() -> passOn(done, answer), "stranger");
            stranger.setDaemon(true);
            stranger.start();
        });
        return answer;
    }

    private static void passOn(CompletionStage<?> from, CompletableFuture<Object> to) {
        var unused = from.whenComplete((value, failure) -> {
            if (failure == null) {
                to.complete(value);
            } else {
                to.completeExceptionally(failure);
            }
        });
    }

    private static List<?> misshapen(Answer fault, Object answered) {
        List<?> list = (List<?>) answered;
        if (fault == Answer.TOO_SHORT) {
            return list.subList(0, Math.max(0, list.size() - 1));
        }
        if (fault == Answer.NULL_ELEMENTS) {
            return Collections.nCopies(list.size(), null);
        }
        List<Object> longer = new ArrayList<>(list);
        if (!list.isEmpty()) {
            longer.add(list.get(list.size() - 1));
        }
        return longer;
    }

    private @Nullable Object wrapped(@Nullable Object returned) {
        if (returned instanceof LeaseStore store) {
            return around(LeaseStore.class, store);
        }
        if (returned instanceof LeaseAdmin admin) {
            return around(LeaseAdmin.class, admin);
        }
        if (returned instanceof FleetBoard board) {
            return around(FleetBoard.class, board);
        }
        if (returned instanceof Optional<?> optional) {
            return optional.map(
                    value -> value instanceof Reservations places ? around(Reservations.class, places) : value);
        }
        return returned;
    }
}
