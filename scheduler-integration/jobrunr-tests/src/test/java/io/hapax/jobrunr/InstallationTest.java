package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.jobrunr.Fleet.Worker;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.server.BackgroundJobPerformer;
import org.jobrunr.server.BackgroundJobPerformerFactory;
import org.jobrunr.server.BackgroundJobServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
class InstallationTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        JobRunrGuard.uninstall();
        fleet.close();
    }

    @Test
    void without_a_guard_jobs_are_postponed_and_say_why_until_one_is_installed() {
        fleet.worker("a", 1, Fleet.POLL).start();
        UUID id = fleet.enqueue(work -> work.run(name));

        fleet.awaitJob(id, Fleet::isPostponed);
        Job postponed = fleet.awaitJob(id, job -> job.getJobState() instanceof ScheduledState);
        assertThat(postponed.<ScheduledState>getJobState().getReason())
                .isEqualTo("[hapax] postponed: no guard is installed on the worker; JobRunrGuard.install(guard) is"
                        + " missing there");
        assertThat(journal.starts()).isZero();

        JobRunrGuard.install(fleet.guard("a", fleet.leases, options -> options));
        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
    }

    @Test
    void without_a_guard_jobs_run_if_that_is_allowed() {
        JobRunrGuard.allowUnguarded();
        fleet.worker("a", 1, Fleet.POLL).start();

        fleet.awaitState(fleet.enqueue(work -> work.run(name)), SUCCEEDED);
    }

    @Test
    void a_server_prefers_its_own_guard() {
        JobGuard forAll = fleet.guard("all", fleet.leases, options -> options);
        JobGuard own = fleet.guard("own", fleet.leases, options -> options);
        Worker first = fleet.worker("first", 1, Fleet.POLL);
        Worker second = fleet.worker("second", 1, Fleet.POLL);
        JobRunrGuard.install(forAll);
        JobRunrGuard.install(first.server(), own);

        assertThat(JobRunrGuard.guardOf(first.server())).isSameAs(own);
        assertThat(JobRunrGuard.guardOf(second.server())).isSameAs(forAll);
        JobRunrGuard.uninstall(first.server());
        assertThat(JobRunrGuard.guardOf(first.server())).isSameAs(forAll);
        JobRunrGuard.uninstall();
        assertThat(JobRunrGuard.guardOf(second.server())).isNull();
    }

    @Test
    void a_server_that_found_our_factory_is_verified() {
        JobRunrGuard.verify(fleet.worker("a", 1, Fleet.POLL).server());
    }

    @Test
    void a_server_on_which_another_factory_won_is_refused_by_name(@TempDir Path services) throws Exception {
        BackgroundJobServer server = serverSeeing(services, Foreign.class.getName());

        assertThatThrownBy(() -> JobRunrGuard.install(server, fleet.guard("a", fleet.leases, options -> options)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("performs its jobs by " + Foreign.class.getName() + " (priority 5000), not by "
                        + HapaxPerformerFactory.class.getName());
        assertThat(JobRunrGuard.guardOf(server)).isNull();
    }

    @Test
    void a_server_that_did_not_see_our_factory_is_refused(@TempDir Path services) throws Exception {
        BackgroundJobServer server = serverSeeing(services, "# none");

        assertThatThrownBy(() -> JobRunrGuard.verify(server))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("NOT guarded");
    }

    @Test
    void a_limit_of_postponements_below_one_is_refused() {
        assertThatThrownBy(() -> JobRunrGuard.maxPostponements(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the limit of postponements must be at least 1, was 0");
        assertThatThrownBy(() -> JobRunrGuard.maxPostponements(
                        fleet.worker("a", 1, Fleet.POLL).server(), 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the limit of postponements must be at least 1, was 0");
    }

    private BackgroundJobServer serverSeeing(Path services, String provider) throws IOException {
        Path file = services.resolve("service");
        Files.writeString(file, provider);
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(new ClassLoader(before) {
            @Override
            public Enumeration<URL> getResources(String resource) throws IOException {
                boolean asked = resource.endsWith(BackgroundJobPerformerFactory.class.getName());
                return asked ? Collections.enumeration(List.of(file.toUri().toURL())) : super.getResources(resource);
            }
        });
        try {
            return fleet.worker("a", 1, Fleet.POLL).server();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Somebody else's factory. */
    public static final class Foreign implements BackgroundJobPerformerFactory {
        @Override
        public int getPriority() {
            return 5000;
        }

        @Override
        public BackgroundJobPerformer newBackgroundJobPerformer(BackgroundJobServer server, Job job) {
            return new BackgroundJobPerformer(server, job);
        }
    }
}
