package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.RunOptions;
import io.hapax.Setting;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ops.PausedKey;
import java.security.Principal;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.annotation.DeleteOperation;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;

/**
 * Answers who holds a key, and why runs did not take place; takes a lease away, pauses a key or resumes it if the
 * application allows it, and somebody has logged in.
 */
@Endpoint(id = "hapax")
final class HapaxEndpoint {

    private static final int FORBIDDEN = 403;
    /** The store answers no operators. */
    private static final int NOT_IMPLEMENTED = 501;

    private final JobGuard guard;
    private final RecentEvents recent;
    private final boolean mayForce;
    private final Duration answer;

    HapaxEndpoint(JobGuard guard, RecentEvents recent, boolean mayForce, Duration answer) {
        this.guard = guard;
        this.recent = recent;
        this.mayForce = mayForce;
        this.answer = answer;
    }

    /** This worker. */
    @ReadOperation
    Map<String, Object> worker() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("worker", guard.worker());
        all.put("activeRuns", guard.activeRuns());
        all.put("defaults", texts(guard.defaults()));
        all.put("recent", recent.newestFirst());
        return all;
    }

    private static Map<String, String> texts(RunOptions options) {
        Map<String, String> texts = new LinkedHashMap<>();
        Setting.ALL.forEach(setting -> texts.put(setting.name(), text(setting, options)));
        return texts;
    }

    private static <T> String text(Setting<T> setting, RunOptions options) {
        return setting.text(options.get(setting));
    }

    /** Who holds a key, and who has paused it: {@code kind} is {@code lock} or {@code run}. */
    @ReadOperation
    WebEndpointResponse<Map<String, Object>> holder(
            @Selector String kind, @Selector(match = Selector.Match.ALL_REMAINING) String... key) {
        JobIdentity identity = identity(kind, key);
        if (identity == null) {
            return unknown(kind);
        }
        try {
            Map<String, Object> all = shown(identity, answered(guard.admin().holder(identity)));
            answered(guard.admin().paused(identity)).ifPresent(pause -> {
                all.put("paused", true);
                all.put("pausedBy", pause.why().actor());
                all.put("pausedFor", pause.why().reason());
                all.put("pausedSince", pause.since().toString());
            });
            return new WebEndpointResponse<>(all);
        } catch (IllegalStateException cannotTell) {
            return refused(NOT_IMPLEMENTED, String.valueOf(cannotTell.getMessage()));
        }
    }

    /** Takes the lease of a key away from its holder; only for users whom the application has authenticated. */
    @DeleteOperation
    WebEndpointResponse<Map<String, Object>> forceRelease(
            @Selector String kind,
            @Selector(match = Selector.Match.ALL_REMAINING) String[] key,
            @Nullable String reason,
            @Nullable String actor,
            SecurityContext security) {
        return changed(
                new Wish(identity(kind, key), kind, reason, actor, security.getPrincipal()),
                "leases are taken away",
                "for the log: add ?reason=…",
                (identity, who, why) -> shown(identity, answered(guard.admin().forceRelease(identity, who, why))));
    }

    /**
     * Pauses a key, or resumes it; only for those whom the application has authenticated.
     *
     * @param pause whether it is paused; else it is resumed
     */
    @WriteOperation
    WebEndpointResponse<Map<String, Object>> pause(
            @Selector String kind,
            @Selector(match = Selector.Match.ALL_REMAINING) String[] key,
            boolean pause,
            @Nullable String reason,
            @Nullable String actor,
            SecurityContext security) {
        return changed(
                new Wish(identity(kind, key), kind, reason, actor, security.getPrincipal()),
                "keys are paused and resumed",
                "for the audit: add \"reason\" to the body",
                (identity, who, why) -> {
                    if (pause) {
                        PausedKey.requireWhole(String.join("/", key));
                        answered(guard.admin().pause(identity, who, why));
                    }
                    boolean changed = pause || answered(guard.admin().resume(identity, who, why));
                    Map<String, Object> all = new LinkedHashMap<>();
                    all.put("keys", identity.toString());
                    all.put("paused", pause);
                    all.put("changed", changed);
                    return all;
                });
    }

    /**
     * What somebody asks for.
     *
     * @param identity null if {@code kind} is none
     */
    private record Wish(
            @Nullable JobIdentity identity,
            String kind,
            @Nullable String reason,
            @Nullable String actor,
            @Nullable Principal known) {}

    private interface Change {
        Map<String, Object> make(JobIdentity identity, String who, String why);
    }

    /**
     * @param what what it does
     * @param forWhat what a reason is needed for, and how it is given
     */
    private WebEndpointResponse<Map<String, Object>> changed(Wish wish, String what, String forWhat, Change change) {
        if (!mayForce) {
            return refused(
                    FORBIDDEN,
                    what.replace(" are ", " are not ")
                            + " here: set hapax.force-release-enabled=true, and secure the endpoint");
        }
        Principal known = wish.known();
        if (known == null) {
            return refused(
                    FORBIDDEN,
                    what + " by somebody who has logged in: put Spring Security, or the container's,"
                            + " before the endpoint, or use the console with hapax.console.credential");
        }
        String reason = wish.reason();
        if (reason == null || reason.isBlank()) {
            return refused(WebEndpointResponse.STATUS_BAD_REQUEST, "a reason is needed, " + forWhat);
        }
        JobIdentity identity = wish.identity();
        if (identity == null) {
            return unknown(wish.kind());
        }
        String login = known.getName() + " (actuator)";
        String actor = wish.actor();
        String who = actor == null || actor.isBlank() ? login : actor + ", logged in as " + login;
        try {
            return new WebEndpointResponse<>(change.make(identity, who, reason));
        } catch (IllegalArgumentException wrong) {
            return refused(WebEndpointResponse.STATUS_BAD_REQUEST, String.valueOf(wrong.getMessage()));
        } catch (IllegalStateException cannot) {
            return refused(NOT_IMPLEMENTED, String.valueOf(cannot.getMessage()));
        }
    }

    private static @Nullable JobIdentity identity(String kind, String[] parts) {
        String key = String.join("/", parts);
        return switch (kind) {
            case "lock" -> new JobIdentity(new LockKey(key), null);
            case "run" -> new JobIdentity(null, new RunKey(key));
            default -> null;
        };
    }

    private static WebEndpointResponse<Map<String, Object>> unknown(String kind) {
        return refused(
                WebEndpointResponse.STATUS_BAD_REQUEST,
                "'" + kind + "' is no kind of key: ask for hapax/lock/{key} or hapax/run/{key}");
    }

    /** As an answer: Spring Boot keeps the messages of exceptions to itself. */
    private static WebEndpointResponse<Map<String, Object>> refused(int status, String why) {
        return new WebEndpointResponse<>(Map.of("error", why), status);
    }

    private <T> T answered(CompletableFuture<T> asked) {
        try {
            return asked.get(answer.toMillis() + 500, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new CompletionException(e);
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
            throw new CompletionException(closing);
        }
    }

    private static Map<String, Object> shown(JobIdentity identity, Optional<Holder> holder) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("keys", identity.toString());
        all.put("held", holder.isPresent());
        holder.ifPresent(who -> {
            all.put("worker", who.worker());
            all.put("run", who.run());
            all.put("owner", who.owner().value());
            all.put("token", who.token().value());
            all.put("since", who.since().toString());
        });
        return all;
    }
}
