package io.hapax.worker;

import io.hapax.JobGuard;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Answers 200 while the schedulers run and Redis answers the guard, else 503. */
final class HealthServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;
    private static final JobIdentity PROBE = new JobIdentity(new LockKey("health-probe"), null);

    private final String worker;
    private final transient BooleanSupplier atWork;
    private final transient @Nullable JobGuard guard;

    HealthServlet(String worker, BooleanSupplier atWork, @Nullable JobGuard guard) {
        this.worker = worker.replaceAll("[\"\\\\\\p{Cntrl}]", "_");
        this.atWork = atWork;
        this.guard = guard;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        boolean up = atWork.getAsBoolean() && (guard == null || reaches(guard));
        String body = "{\"status\":\"" + (up ? "UP" : "DOWN") + "\",\"worker\":\"" + worker + "\",\"activeRuns\":"
                + (guard == null ? 0 : guard.activeRuns()) + "}\n";
        response.setStatus(up ? HttpServletResponse.SC_OK : HttpServletResponse.SC_SERVICE_UNAVAILABLE);
        response.setContentType("application/json");
        response.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
    }

    private static boolean reaches(JobGuard guard) {
        try {
            guard.admin().holder(PROBE).join();
            return true;
        } catch (CompletionException unreachable) {
            return false;
        }
    }
}
