package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.FAILED;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.testkit.PlacementContract;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import kotlin.coroutines.Continuation;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.JobParameter;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.jobs.states.FailedState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Annotations that stand where the guard cannot follow them, or where it has to look behind an interface. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class PlacementTest extends PlacementContract {

    /** Jobs that would return before their work is done. */
    public static class Late {
        @Guarded(ttl = "10s")
        public Future<String> future() {
            return new CompletableFuture<>();
        }

        @Guarded(ttl = "10s")
        public FutureTask<String> task() {
            return new FutureTask<>(() -> "done");
        }

        @Guarded(ttl = "10s")
        public CompletionStage<String> stage() {
            return new CompletableFuture<>();
        }

        @Guarded(ttl = "10s")
        public CompletableFuture<String> completable() {
            return new CompletableFuture<>();
        }

        @Guarded(ttl = "10s")
        public Flow.Publisher<String> publisher() {
            return new SubmissionPublisher<>();
        }

        @Guarded(ttl = "10s")
        public Flow.Processor<String, String> processor() {
            throw new IllegalStateException("called");
        }

        @Guarded(ttl = "10s")
        public SubmissionPublisher<String> submission() {
            return new SubmissionPublisher<>();
        }

        @Guarded(ttl = "10s")
        public Stream<String> stream() {
            return Stream.of();
        }

        @Guarded(ttl = "10s")
        public List<CompletableFuture<String>> several() {
            return List.of();
        }

        /** JobRunr shows nobody what it was. */
        @Guarded(ttl = "10s")
        public Object anything() {
            return "done";
        }

        @Guarded(ttl = "10s")
        public Object suspended(Continuation<String> rest) {
            return "done";
        }
    }

    /** Only one of its methods is a job. */
    public static class Handler implements JobRequestHandler<Request> {
        @Override
        public void run(Request request) {}

        @Guarded(ttl = "10s")
        public void help() {}
    }

    /** A request without content. */
    public record Request() implements JobRequest {
        @Override
        public Class<Handler> getJobRequestHandler() {
            return Handler.class;
        }
    }

    /** Says nothing of a guard. */
    public interface Errand {
        void run(String journal) throws InterruptedException;
    }

    /** Does. */
    public static class KeyedErrand implements Errand {
        @Override
        @Guarded(key = "errand/%0", onConflict = OnConflict.SKIP)
        public void run(String journal) throws InterruptedException {
            new Work().run(journal);
        }
    }

    /** Another key than the one of its interface. */
    public static class OtherDeed implements Deed {
        @Override
        @Guarded(key = "other/%0", onConflict = OnConflict.SKIP)
        public void perform(String journal) throws InterruptedException {
            new Work().run(journal);
        }
    }

    /** Who enqueues it through its interface does not know that it is to be unique. */
    public static class QueuedErrand implements Errand {
        @Override
        @Guarded(key = "errand/%0", mode = LockMode.UNTIL_EXECUTED)
        public void run(String journal) throws InterruptedException {
            new Work().run(journal);
        }
    }

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    private final AtomicBoolean started = new AtomicBoolean();

    private <T> void serve(Class<T> type, T bean) {
        fleet.activate(type, bean);
        fleet.guarded("a", 2).start();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    @Override
    protected List<Method> unguardable() {
        return Stream.of(Late.class, Handler.class)
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(method -> method.isAnnotationPresent(Guarded.class))
                .toList();
    }

    @Override
    protected String refusal(Method method) {
        UUID id;
        if (started.compareAndSet(false, true)) {
            fleet.guarded("a", 2).start();
        }
        if (method.getDeclaringClass() == Handler.class) {
            id = fleet.requests.enqueue(new Request()).asUUID();
        } else {
            List<JobParameter> parameters = Arrays.stream(method.getParameterTypes())
                    .map(type -> new JobParameter(type, null))
                    .toList();
            id = fleet.storage
                    .save(new Job(
                            new JobDetails(method.getDeclaringClass().getName(), null, method.getName(), parameters)))
                    .getId();
        }
        Job ended = fleet.awaitJob(id, Fleet::hasEnded);
        return ended.hasState(FAILED) ? failure(ended) : "";
    }

    private static String failure(Job job) {
        FailedState failed = job.getJobState();
        assertThat(failed.mustNotRetry()).isTrue();
        return failed.getExceptionMessage();
    }

    private String skipped(UUID id) {
        fleet.awaitState(id, DELETED);
        return fleet.job(id).<DeletedState>getJobState().getReason();
    }

    private void awaitHeld() {
        Fleet.eventually().until(() -> journal.starts() == 1);
    }

    @Test
    void the_annotation_of_the_implementation_holds_for_a_job_enqueued_through_its_interface() {
        serve(Errand.class, new KeyedErrand());
        fleet.scheduler.<Errand>enqueue(errand -> errand.run(name));
        awaitHeld();
        UUID second =
                fleet.scheduler.<Errand>enqueue(errand -> errand.run(name)).asUUID();

        assertThat(skipped(second)).contains("OVERLAP on 'errand/" + name);
    }

    @Test
    void the_annotation_of_the_implementation_goes_before_that_of_the_interface() {
        serve(Deed.class, new OtherDeed());
        fleet.scheduler.<Deed>enqueue(deed -> deed.perform(name));
        awaitHeld();
        UUID second = fleet.scheduler.<Deed>enqueue(deed -> deed.perform(name)).asUUID();

        assertThat(skipped(second)).contains("OVERLAP on 'other/" + name);
    }

    @Test
    void a_place_in_the_queue_that_only_the_implementation_asks_for_is_refused() {
        serve(Errand.class, new QueuedErrand());
        UUID id = fleet.scheduler.<Errand>enqueue(errand -> errand.run(name)).asUUID();

        fleet.awaitState(id, FAILED);
        assertThat(failure(fleet.job(id)))
                .contains("QueuedErrand.run")
                .contains("mode=UNTIL_EXECUTED")
                .contains("put it on " + Errand.class.getName());
    }
}
