package io.hapax.jobrunr;

import io.hapax.lease.LockKey;
import io.hapax.thread.GuardThreads;
import io.hapax.thread.OneAtATime;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.JobNotFoundException;
import org.jobrunr.storage.StorageException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands a lock key on among the jobs that one server has at hand: one that is refused because another job of this server holds its
 * key waits here, and runs when that has ended, instead of after JobRunr's next poll.
 *
 * <p>A waiting job stays PROCESSING, sends heartbeats, and holds no thread. There is room for {@value #MOST} of them, as each is
 * stored with every heartbeat. A job whose line has not moved for a poll interval is put back, as it would have been at once: then
 * other servers can have it. So are all when the server stops. Thread-safe.
 */
final class HandOver {

    static final int MOST = 100;

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final Duration LOOK = Duration.ofSeconds(1);
    /** A look may have to wait for the storage. */
    private static final Duration LONGEST_LOOK = Duration.ofMinutes(1);

    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; jobs that wait are watched on", what, failure));
    /** JobRunr wants a thread to interrupt, and none is running a job that waits. */
    private static final Thread NOBODY = GuardThreads.neverStarted("hapax-jobrunr-nobody");

    private final BackgroundJobServer server;
    private final Ticker ticker;
    private final Duration poll;
    private final IdleThreads idle;
    private final ReentrantLock lock = new ReentrantLock();
    /** By lock key. Guarded by lock, as all below. */
    private final Map<String, Line> lines = new HashMap<>();
    /** Those that a thread is about to take up. Each counts as an occupied thread, so that JobRunr fetches no work for it. */
    private final IdentityHashMap<Job, Waiting> handedOn = new IdentityHashMap<>();
    /**
     * Those that are being given to the server, also if they are put back meanwhile: the thread that takes one up has to know that it has
     * waited, and ask whether it is still handed on.
     */
    private final IdentityHashMap<Job, Waiting> offered = new IdentityHashMap<>();

    private int waiting;
    private final OneAtATime looking = new OneAtATime(LONGEST_LOOK);
    // Of each server, since a storage that hangs must not stop the looks of others.
    private final ExecutorService looks = THREADS.pool("hapax-jobrunr-lines", 1);

    HandOver(BackgroundJobServer server, Ticker ticker) {
        this.server = server;
        this.ticker = ticker;
        this.poll = server.getConfiguration().getPollInterval();
        this.idle = new IdleThreads(server);
    }

    /** The jobs of this server under one key. */
    private static final class Line {
        private final String key;
        private final Deque<Waiting> queue = new ArrayDeque<>();
        /** How many ask for the key, hold it, or are handed on. */
        private int active;

        private NanoTime movedAt;

        Line(String key, NanoTime now) {
            this.key = key;
            this.movedAt = now;
        }
    }

    private record Waiting(Line line, Job job, NanoTime since, HeartbeatWatch heartbeats, PutBack back) {}

    /** Stores a job as postponed. */
    interface PutBack {
        /**
         * Stores it.
         *
         * @param atOnce whether another server may have it at once, because this one takes no work any more
         */
        void store(boolean atOnce);
    }

    /** The turn of a job that a thread is about to take up: perhaps one that has waited. */
    Turn turn(Job job) {
        lock.lock();
        try {
            return new Turn(job, offered.get(job));
        } finally {
            lock.unlock();
        }
    }

    /** One job's place among those of its server, from its start to its end. Used by one thread. */
    final class Turn implements AutoCloseable {

        private final Job job;
        private final @Nullable Waiting handed;
        private @Nullable Line line;
        private boolean keyMayBeFree = true;
        /** Who has the key next, or waits in vain, and is to be notified. */
        private @Nullable Waiting next;

        private final List<Waiting> back = new ArrayList<>();

        private Turn(Job job, @Nullable Waiting handed) {
            this.job = job;
            this.handed = handed;
        }

        /** Takes the job up; returns false if it was put back, deleted or passed on while it waited. */
        boolean begins() {
            Waiting mine = handed;
            if (mine == null) {
                return true;
            }
            lock.lock();
            try {
                if (handedOn.remove(job) == null) {
                    return false;
                }
                line = mine.line();
            } finally {
                lock.unlock();
            }
            stopHeartbeats(mine);
            // This thread is counted by itself.
            idle.fetch();
            return isStillOurs(job);
        }

        /** Says that the job is about to ask for its key. */
        void asks(@Nullable LockKey key) {
            if (key == null || line != null) {
                return;
            }
            lock.lock();
            try {
                Line its = lines.computeIfAbsent(key.value(), name -> new Line(name, ticker.now()));
                its.active++;
                line = its;
            } finally {
                lock.unlock();
            }
        }

        /** Says that somebody holds the key, so that nobody of the line would get it. */
        void keyIsHeld() {
            keyMayBeFree = false;
        }

        /**
         * Lets the job wait, if another one of this server is running under its key.
         *
         * @param putBack stores it as postponed, if its turn does not come
         * @return false if it must not wait
         */
        boolean waits(PutBack putBack) {
            if (isAtWork(job)) {
                // Our heartbeats would make JobRunr interrupt an earlier attempt at it.
                return false;
            }
            lock.lock();
            try {
                Line its = line;
                if (its == null || its.active < 2 || waiting + handedOn.size() >= MOST || !isLookPlanned()) {
                    return false;
                }
                Waiting last = new Waiting(its, job, ticker.now(), HeartbeatWatch.ofWaiting(server, job), putBack);
                line = null;
                its.active--;
                server.getJobSteward().startProcessing(job, NOBODY);
                its.queue.add(last);
                waiting++;
                idle.fetchLater();
                return true;
            } finally {
                lock.unlock();
            }
        }

        /** Ends the turn: the next in line has a thread from here on, which JobRunr does not fetch other work for. */
        @Override
        public void close() {
            lock.lock();
            try {
                Line its = line;
                if (its == null) {
                    return;
                }
                line = null;
                its.active--;
                Waiting first = keyMayBeFree ? its.queue.poll() : null;
                next = first;
                if (first == null) {
                    leave(its, back);
                    return;
                }
                waiting--;
                its.active++;
                its.movedAt = ticker.now();
                handedOn.put(first.job(), first);
            } finally {
                lock.unlock();
            }
            server.getJobSteward().notifyThreadOccupied();
        }

        /** Tells those that waited, when what became of this job is stored: a server that stops waits for that no longer. */
        void finish() {
            Waiting first = next;
            next = null;
            if (first != null) {
                handOn(first);
            }
            putBack(back, false);
            back.clear();
        }
    }

    /** Nobody here will hand the key on, so nobody waits for it. Called under the lock. */
    private void leave(Line line, List<Waiting> back) {
        if (line.active == 0) {
            waiting -= line.queue.size();
            back.addAll(line.queue);
            line.queue.clear();
            lines.remove(line.key);
        }
    }

    /** Takes a thread of the server's, as any job does. */
    private void handOn(Waiting next) {
        try {
            if (ServerLife.isRunningUninterrupted(server)) {
                if (offer(next)) {
                    server.processJob(next.job());
                }
                return;
            }
        } catch (RuntimeException stopping) {
            LOG.debug("the key is not handed to job {}", next.job().getId(), stopping);
        } finally {
            offeredNoMore(next);
        }
        takeBack(false);
    }

    /** Not if it was put back meanwhile, because the storage stood still. */
    private boolean offer(Waiting next) {
        lock.lock();
        try {
            boolean isHandedOn = handedOn.containsKey(next.job());
            if (isHandedOn) {
                offered.put(next.job(), next);
            }
            return isHandedOn;
        } finally {
            lock.unlock();
        }
    }

    private void offeredNoMore(Waiting next) {
        lock.lock();
        try {
            offered.remove(next.job());
        } finally {
            lock.unlock();
        }
    }

    private boolean isAtWork(Job job) {
        return server.getJobSteward().getJobsInProgress().stream()
                .anyMatch(other -> other.getId().equals(job.getId()));
    }

    /** Somebody may have deleted it, or JobRunr passed it on, since its last heartbeat. */
    private boolean isStillOurs(Job job) {
        if (!job.hasState(StateName.PROCESSING)) {
            return false;
        }
        try {
            return HeartbeatWatch.isSameAttempt(server.getStorageProvider().getJobById(job.getId()), job);
        } catch (JobNotFoundException deleted) {
            return false;
        } catch (StorageException unknown) {
            return true;
        }
    }

    /** Whether somebody is going to look for those that have waited for long enough: without memory for that, nobody starts to wait. */
    private boolean isLookPlanned() {
        OneAtATime.Turn turn = looking.start();
        if (turn == null) {
            return true;
        }
        try {
            var unused = THREADS.after(pause(), looks, () -> look(turn));
            return true;
        } catch (VirtualMachineError noMemory) {
            turn.end();
            return false;
        }
    }

    private Duration pause() {
        return poll.compareTo(LOOK) < 0 ? poll : LOOK;
    }

    /** On the thread of the looks, for those that wait already. */
    private void lookAgain() {
        OneAtATime.Turn turn = looking.start();
        if (turn != null) {
            var unused = THREADS.again(pause(), looks, () -> look(turn));
        }
    }

    private void look(OneAtATime.Turn turn) {
        try {
            takeBack(ServerLife.isRunningUninterrupted(server));
        } finally {
            turn.end();
            if (anybodyWaits()) {
                lookAgain();
            }
        }
    }

    private boolean anybodyWaits() {
        GuardThreads.lock(lock);
        try {
            return waiting + handedOn.size() > 0;
        } finally {
            lock.unlock();
        }
    }

    /** Puts back who has waited for long enough; all of them if the server takes no work. */
    private void takeBack(boolean running) {
        List<Waiting> back = new ArrayList<>();
        int threads = 0;
        lock.lock();
        try {
            NanoTime now = ticker.now();
            for (Iterator<Waiting> taken = handedOn.values().iterator(); taken.hasNext(); ) {
                Waiting each = taken.next();
                if (!running || isStale(each, now)) {
                    taken.remove();
                    each.line().active--;
                    threads++;
                    back.add(each);
                }
            }
            for (Line line : List.copyOf(lines.values())) {
                int before = line.queue.size();
                line.queue.removeIf(each -> (!running || isStale(each, now)) && back.add(each));
                waiting -= before - line.queue.size();
                leave(line, back);
            }
        } finally {
            lock.unlock();
        }
        putBack(back, !running);
        for (; threads > 0; threads--) {
            idle.fetch();
        }
    }

    private boolean isStale(Waiting each, NanoTime now) {
        NanoTime since = each.line().movedAt.isBefore(each.since()) ? each.since() : each.line().movedAt;
        return now.since(since).compareTo(poll) >= 0;
    }

    /** Also on a thread that is being stopped, which may come before the next look. */
    private void putBack(List<Waiting> jobs, boolean atOnce) {
        boolean interrupted = !jobs.isEmpty() && Thread.interrupted();
        for (Waiting each : jobs) {
            stopHeartbeats(each);
            String what = "putting back job " + each.job().getId();
            boolean unused = THREADS.call(what, () -> each.back().store(atOnce));
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void stopHeartbeats(Waiting each) {
        each.heartbeats().stop();
        server.getJobSteward().stopProcessing(each.job());
    }
}
