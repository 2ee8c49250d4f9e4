package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.World;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Lets faults strike alone or together. Of several, one leads: one of a worker if there is one, since it may have to wait until
 * that worker comes to some place; the others follow while it lasts, at the same worker or at another, and each is healed when
 * its own time is over. What chance decides comes from the seed and the names, so it is the same for every contender.
 */
final class Siege {

    /** A worker has 15 s to come to a place. */
    private static final long LEADING_SECONDS = 30;

    private final Contender contender;
    private final FleetServers servers;
    private final Fleet fleet;
    private final Broker broker;
    private final World world;
    private final int length;

    /** Lets faults last for so many percent of what is usual. */
    Siege(Contender contender, FleetServers servers, Fleet fleet, Broker broker, World world, int length) {
        this.contender = contender;
        this.servers = servers;
        this.fleet = fleet;
        this.broker = broker;
        this.world = world;
        this.length = length;
    }

    /**
     * A part of a strike, as chance has decided.
     *
     * @param fault what
     * @param hold for how long, in ms
     * @param delay for how long after the leading one, in ms
     * @param together whether it strikes the same worker as the leading one
     * @param chosen whom it strikes otherwise, and which servers
     */
    private record Part(Fault fault, long hold, long delay, boolean together, Nemesis.Chosen chosen) {}

    /** Returns when the causes of all faults are gone. */
    void strike(Strike strike, long seed) throws IOException, InterruptedException, SQLException {
        Random chance = new Random(seed * 31 + strike.label().hashCode());
        Thread.sleep(chance.nextInt(1_000));
        if (strike.isCombined()) {
            together(strike, seed, chance);
        } else {
            Fault fault = strike.faults().get(0);
            Nemesis.Chosen chosen = Nemesis.Chosen.by(chance, servers.redis().size());
            world.tell(EventType.FAULT, fault.label(), contender.label(), seed, chosen.worker());
            nemesis(lasting(contender.patience().toMillis() * 3 / 2), victim -> {})
                    .strike(fault, chosen);
            world.tell(EventType.HEALED, fault.label());
        }
    }

    private long lasting(long usual) {
        return Math.max(1, usual * length / Plan.USUAL_LENGTH);
    }

    private Nemesis nemesis(long hold, Nemesis.Struck struck) {
        return new Nemesis(contender, servers, fleet, broker, world, hold, struck);
    }

    private void together(Strike strike, long seed, Random chance) throws IOException, InterruptedException {
        List<Part> parts = new ArrayList<>();
        for (Fault fault : strike.faults()) {
            parts.add(part(fault, chance));
        }
        world.tell(EventType.FAULT, strike.label(), contender.label(), seed, details(parts));
        CountDownLatch led = new CountDownLatch(1);
        AtomicReference<@Nullable String> victim = new AtomicReference<>();
        ExecutorService threads = Executors.newFixedThreadPool(parts.size());
        try {
            List<Future<?>> all = new ArrayList<>();
            for (Part part : parts) {
                boolean leads = part.equals(parts.get(0));
                all.add(threads.submit(() -> {
                    if (leads) {
                        lead(part, victim, led);
                    } else {
                        follow(part, victim, led);
                    }
                    return null;
                }));
            }
            await(all);
        } finally {
            threads.shutdownNow();
        }
        world.tell(EventType.HEALED, strike.label());
    }

    /** From half a patience to two and a half: shorter and longer than a lease. */
    private Part part(Fault fault, Random chance) {
        long patience = contender.patience().toMillis();
        return new Part(
                fault,
                lasting(patience / 2 + chance.nextInt((int) patience * 2)),
                chance.nextInt((int) patience / 2),
                chance.nextBoolean(),
                Nemesis.Chosen.by(chance, servers.redis().size()));
    }

    private static String details(List<Part> parts) {
        return String.join(
                ", ",
                parts.stream()
                        .map(part -> part.fault().label() + " for " + part.hold() + " ms"
                                + (part.equals(parts.get(0)) ? "" : ", " + part.delay() + " ms later"))
                        .toList());
    }

    private void lead(Part part, AtomicReference<@Nullable String> victim, CountDownLatch led)
            throws IOException, InterruptedException, SQLException {
        try {
            strike(part, part.chosen(), whom -> {
                victim.set(whom);
                led.countDown();
            });
        } finally {
            // If it could not strike, nobody is to wait.
            led.countDown();
        }
    }

    private void follow(Part part, AtomicReference<@Nullable String> victim, CountDownLatch led)
            throws IOException, InterruptedException, SQLException {
        String struck = led.await(LEADING_SECONDS, TimeUnit.SECONDS) ? victim.get() : null;
        if (struck == null) {
            throw new IOException(part.fault().label() + " had nobody to follow");
        }
        Thread.sleep(part.delay());
        String other = Fleet.WORKERS.get(
                (Fleet.WORKERS.indexOf(struck) + 1 + part.chosen().order().size() % 2) % Fleet.WORKERS.size());
        strike(part, part.chosen().withWorker(part.together() ? struck : other), victimOfThis -> {});
    }

    private void strike(Part part, Nemesis.Chosen chosen, Nemesis.Struck also)
            throws IOException, InterruptedException, SQLException {
        nemesis(part.hold(), victim -> {
                    world.tell(EventType.STRUCK, part.fault().label(), place(part.fault(), victim), part.hold());
                    also.at(victim);
                })
                .strike(part.fault(), chosen);
        world.tell(EventType.MENDED, part.fault().label());
    }

    private static String place(Fault fault, String victim) {
        boolean ofOne = fault.scope() == Fault.Scope.WORKER
                || fault.scope() == Fault.Scope.NETWORK
                || fault == Fault.POSTGRES_LATE
                || fault == Fault.ROLLBACKS
                || fault == Fault.POOL_EXHAUSTED;
        return ofOne ? victim : "the server";
    }

    /** Waits for all of them, also if one fails, so that nothing is left unhealed that can be healed. */
    private static void await(List<Future<?>> all) throws IOException, InterruptedException {
        List<Throwable> failures = new ArrayList<>();
        for (Future<?> one : all) {
            try {
                one.get();
            } catch (ExecutionException e) {
                failures.add(e.getCause());
            }
        }
        if (!failures.isEmpty()) {
            IOException failed = new IOException(String.valueOf(failures.get(0).getMessage()), failures.get(0));
            failures.stream().skip(1).forEach(failed::addSuppressed);
            throw failed;
        }
    }
}
