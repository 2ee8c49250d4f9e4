package io.hapax.spring

import io.hapax.CurrentRun
import io.hapax.Guarded
import io.hapax.OnConflict
import java.util.Optional
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.reactive.asFlow
import kotlinx.coroutines.reactor.awaitSingleOrNull
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.springframework.scheduling.annotation.Scheduled
import org.springframework.transaction.annotation.Propagation
import org.springframework.transaction.annotation.Transactional
import reactor.core.publisher.Flux
import reactor.core.publisher.Mono

private fun current() = CurrentRun.get().identity().toString()

/** As the beans of LateWorkTest, with suspend functions. */
open class SuspendedService {
    @JvmField val calls = AtomicInteger()
    @Volatile @JvmField var source: Mono<String>? = Mono.empty()

    @Guarded(key = "suspended/%0")
    open suspend fun work(name: String): String? {
        calls.incrementAndGet()
        return source!!.awaitSingleOrNull()
    }

    @Guarded(key = "suspended/#{#name}", ttl = "3s")
    open suspend fun losing(name: String): String? {
        calls.incrementAndGet()
        return source!!.awaitSingleOrNull()
    }

    @Guarded(key = "suspended/%{name}", onConflict = [OnConflict.FAIL])
    open suspend fun failing(name: String): String = source!!.awaitSingleOrNull()!!

    @Guarded(key = "suspended/#{#p0}", onConflict = [OnConflict.WAIT])
    open suspend fun waiting(name: String): String = "waited"

    @Guarded(key = "suspended/%0")
    open fun sameKey(name: String): String? = current()

    @Transactional(propagation = Propagation.NOT_SUPPORTED)
    @Guarded(key = "suspended/%0")
    open suspend fun apart(name: String): String? = name

    @Guarded(key = "once/suspended/%0", once = "once/suspended/%0")
    open suspend fun once(name: String): String? = name

    @Transactional("reactive")
    @Guarded(key = "suspended/%0")
    open suspend fun transactional(name: String, gate: Gate): String? {
        val first = Thread.currentThread().name
        gate.pass()
        return first
    }
}

/** Likewise, with flows. */
open class FlowingService {
    @JvmField val calls = AtomicInteger()
    @Volatile @JvmField var source: Mono<String>? = Mono.empty()

    private fun made(): Flow<String> {
        calls.incrementAndGet()
        return source!!.asFlow()
    }

    @Guarded(key = "flowing/%0") open fun work(name: String): Flow<String> = made()

    @Guarded(key = "flowing/%0", ttl = "3s") open fun losing(name: String): Flow<String> = made()

    @Guarded(key = "flowing/%0", onConflict = [OnConflict.FAIL]) open fun failing(name: String): Flow<String> = made()

    @Guarded(key = "flowing/%0", onConflict = [OnConflict.WAIT])
    open fun waiting(name: String): Flow<String> = flowOf("waited")

    @Guarded(key = "flowing/%0") open fun sameKey(name: String): String? = current()

    @Transactional(propagation = Propagation.NOT_SUPPORTED)
    @Guarded(key = "flowing/%0")
    open fun apart(name: String): Flow<String> = flowOf(name)

    @Guarded(key = "once/flowing/%0", once = "once/flowing/%0") open fun once(name: String): Flow<String> = flowOf(name)
}

/** Several elements. */
open class FlowService {
    @Volatile @JvmField var source: Flux<Int> = Flux.empty()

    @Guarded(key = "flow/%0")
    open fun work(name: String): Flow<Int> = source.asFlow()

    @Guarded(key = "flow/%0", onConflict = [OnConflict.FAIL])
    open fun failing(name: String): Flow<Int> = source.asFlow()

    @Guarded(key = "flow-runs/%0")
    open fun runs(name: String): Flow<String> =
        flow { emit(current()) }.flowOn(Dispatchers.IO).map { "$it, ${current()}" }

    @Guarded(key = "flow-threads/%0")
    open fun threads(name: String): Flow<String> = flow { repeat(3) { emit(Thread.currentThread().name) } }

    /** Has something to do when it is cancelled. */
    @Guarded(key = "flow-tidy/%0")
    open fun tidy(name: String, gate: Gate): Flow<Int> = flow {
        try {
            emit(1)
            awaitCancellation()
        } finally {
            withContext(NonCancellable) { gate.pass() }
        }
    }

    @Guarded(key = "flow-slow/%0")
    open fun made(name: String, made: AtomicInteger): Flow<Int> = flow { repeat(100) { emit(made.incrementAndGet()) } }
}

data class Order(val id: Int, val customer: String)

/** Through its interface. */
interface Desk {
    suspend fun file(order: Order, copies: Int): String
}

class QuietDesk : Desk {
    @Guarded(key = "desk/#{#order.customer}/#{#a1}", once = "desk/%0.id/%{copies}", onConflict = [OnConflict.FAIL])
    override suspend fun file(order: Order, copies: Int): String = current()
}

/** What coroutines do. */
open class Coroutines {
    @JvmField val blocks = CountDownLatch(1)
    @JvmField val goesOn = CountDownLatch(1)
    @JvmField val isBegun = CountDownLatch(1)
    @JvmField val isTidy = CompletableDeferred<Unit>()

    /** Goes from thread to thread, and has others work for it. */
    @Guarded(key = "runs/%0", onConflict = [OnConflict.FAIL])
    open suspend fun runs(name: String): List<String> = coroutineScope {
        val seen = CopyOnWriteArrayList<String>()
        seen += current()
        yield()
        seen += current()
        withContext(Dispatchers.IO) { seen += current() }
        seen += async(Dispatchers.Default) { current() }.await()
        seen
    }

    @Guarded(key = "outer/%0", onConflict = [OnConflict.FAIL])
    open suspend fun outer(name: String, self: Coroutines): List<String> {
        val before = current()
        val inner = self.runs(name)
        return listOf(before) + inner + current()
    }

    @Guarded(key = "name/%0", onConflict = [OnConflict.FAIL])
    open suspend fun name(name: String): String = currentCoroutineContext()[CoroutineName]!!.name

    /** Blocks, whatever happens to it. */
    @Guarded(key = "stubborn/%0")
    open suspend fun stubborn(name: String) {
        withContext(Dispatchers.IO) {
            blocks.countDown()
            goesOn.await(40, TimeUnit.SECONDS)
        }
    }

    /** Has something to do when it is cancelled. */
    @Guarded(key = "tidy/%0")
    open suspend fun tidy(name: String) {
        try {
            isBegun.countDown()
            awaitCancellation()
        } finally {
            withContext(NonCancellable) { isTidy.await() }
        }
    }

    // snippet:suspend
    @Guarded(key = "customer/%0", once = "order/#{#order.id}", onConflict = [OnConflict.FAIL])
    open suspend fun confirm(customer: Int, order: Order): String {
        val text = withContext(Dispatchers.IO) { "order ${order.id} for ${order.customer}" }
        return "$text, by ${CurrentRun.get().identity()}"
    }
    // end

    @Guarded
    open suspend fun keyless(): String? = current()

    @Guarded(key = "late")
    open suspend fun late(): Any? = CompletableDeferred<String>()

    @Guarded(key = "vain/%0", onConflict = [OnConflict.WAIT], waitTimeout = "100ms")
    open suspend fun vain(name: String): Int = awaitCancellation()

    @Guarded(key = "optional/%0") open suspend fun optional(name: String): Optional<String> = awaitCancellation()
}

/** Lets nobody pass before it is open. */
class Gate {
    @JvmField val isReached = CountDownLatch(1)
    @JvmField val isOpen = CountDownLatch(1)
    /** Whoever had called what waits here has gone on. */
    @JvmField val isLeft = CountDownLatch(1)

    suspend fun pass() {
        withContext(Dispatchers.IO) {
            isReached.countDown()
            isOpen.await(40, TimeUnit.SECONDS)
        }
    }

    suspend fun reached() {
        withContext(Dispatchers.IO) { isReached.await(40, TimeUnit.SECONDS) }
    }
}

/** Calls through its proxy, which starts a coroutine of its own for each call. */
open class Nested {
    open suspend fun unguarded(gate: Gate) = gate.pass()

    @Guarded(key = "inner/%0")
    open suspend fun otherKey(name: String, gate: Gate) = gate.pass()

    @Guarded(key = "nested/%0")
    open suspend fun sameKey(name: String, gate: Gate) = gate.pass()

    @Guarded(key = "inner/%0")
    open fun flow(name: String, gate: Gate): Flow<Int> = flow { gate.pass() }

    @Guarded(key = "nested/%0")
    open fun sameFlow(name: String, gate: Gate): Flow<Int> = flow { gate.pass() }

    private suspend fun call(how: String, name: String, self: Nested, gate: Gate) =
        when (how) {
            "unguarded" -> self.unguarded(gate)
            "other key" -> self.otherKey(name, gate)
            "same key" -> self.sameKey(name, gate)
            "flow" -> self.flow(name, gate).collect {}
            else -> self.sameFlow(name, gate).collect {}
        }

    /** Waits for what it calls. */
    @Guarded(key = "nested/%0")
    open suspend fun waits(name: String, how: String, self: Nested, gate: Gate) {
        try {
            call(how, name, self, gate)
        } finally {
            gate.isLeft.countDown()
        }
    }

    /** Does not. */
    @Guarded(key = "nested/%0")
    open suspend fun leaves(name: String, how: String, self: Nested, gate: Gate, fails: Boolean) =
        leave(name, how, self, gate, fails)

    /** Likewise, as a flow. */
    @Guarded(key = "nested/%0")
    open fun leavesAsFlow(name: String, how: String, self: Nested, gate: Gate, fails: Boolean): Flow<String> = flow {
        leave(name, how, self, gate, fails)
        emit("left")
    }

    private suspend fun leave(name: String, how: String, self: Nested, gate: Gate, fails: Boolean) {
        coroutineScope {
            val inner = launch { call(how, name, self, gate) }
            gate.reached()
            inner.cancel()
        }
        gate.isLeft.countDown()
        check(!fails) { "broken" }
    }
}

/** Fired by Spring. */
open class SuspendedTasks {
    @JvmField val keys = CopyOnWriteArrayList<String>()
    @JvmField val flows = CopyOnWriteArrayList<String>()

    @Scheduled(cron = "* * * * * *")
    @Guarded
    open suspend fun tick() {
        yield()
        keys += current()
    }

    @Scheduled(cron = "* * * * * *")
    @Guarded
    open fun stream(): Flow<Int> = flow {
        flows += current()
        emit(1)
    }
}

interface Clock {
    suspend fun strike()
}

class HiddenClock : Clock {
    @Scheduled(cron = "* * * * * *")
    @Guarded
    override suspend fun strike() {}
}

/** One class for each, as a context stops at the first. */
class SuspendedMistakes {
    open class ReturnsAValue {
        @Guarded(key = "k") open suspend fun work(): Int = 1
    }

    open class ReturnsAFlow {
        @Guarded(key = "k") open suspend fun work(): Flow<Int>? = null
    }

    open class ReturnsADeferred {
        @Guarded(key = "k") open suspend fun work(): List<Deferred<Int>>? = null
    }

    open class ReturnsAMono {
        @Guarded(key = "k") open suspend fun work(): Mono<Int>? = null
    }

    open class ReturnsASharedFlow {
        @Guarded(key = "k") open fun work(): SharedFlow<Int>? = null
    }

    open class HasNoKey {
        @Guarded open suspend fun work(order: Int): Int? = order
    }

    open class HasOneKeyForAll {
        @Guarded(key = "k") open suspend fun work(order: Int): Int? = order
    }

    open class HasNoSuchArgument {
        @Guarded(key = "k/%1") open suspend fun work(order: Int): Int? = order
    }

    open class HasNoSuchName {
        @Guarded(key = "k/#{#a1}") open suspend fun work(order: Int): Int? = order
    }

    open class IsNotOpen {
        @Guarded(key = "k") suspend fun work() {}
    }
}
