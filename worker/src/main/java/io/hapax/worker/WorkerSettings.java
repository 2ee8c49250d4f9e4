package io.hapax.worker;

import io.hapax.RunOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What one replica needs to know.
 *
 * @param leases where leases are kept
 * @param redisUrls if it is Redis: one server, or an odd number of at least three that form a quorum
 * @param jdbcUrl where Quartz' cluster, JobRunr and the ledger keep what they have; null: in memory, and no ledger
 * @param namespace keeps applications apart in Redis
 * @param name this replica, for people
 * @param guarded whether jobs are guarded
 * @param runs how runs are guarded that say nothing else
 * @param firstStart when the namespace is used for the first time ever; null if that is not said
 * @param replaceSettings whether this start changes the settings on which workers have to agree
 * @param ledger whether runs are kept in PostgreSQL too
 * @param quartz which Quartz schedulers run
 * @param jobrunr whether JobRunr runs
 * @param threads how many jobs each scheduler runs at once
 * @param jobrunrPoll poll interval of JobRunr
 * @param checkin check-in interval of the Quartz cluster
 * @param grace how long running jobs may take to end at shutdown
 * @param web where /health, /metrics and the console are
 * @param hashKeys the secret by which keys are hashed; null to keep them in plain text
 * @param record the part of the demo that runs are recorded to; empty for none
 */
record WorkerSettings(
        Leases leases,
        List<String> redisUrls,
        @Nullable String jdbcUrl,
        String namespace,
        String name,
        boolean guarded,
        RunOptions runs,
        @Nullable Instant firstStart,
        boolean replaceSettings,
        boolean ledger,
        QuartzStore quartz,
        boolean jobrunr,
        int threads,
        Duration jobrunrPoll,
        Duration checkin,
        Duration grace,
        Web web,
        @Nullable Secret hashKeys,
        String record) {

    /** What only PostgreSQL can keep is not dropped in silence. */
    WorkerSettings {
        if (jdbcUrl == null) {
            refuseIf(ledger, "--ledger on");
            refuseIf(leases == Leases.POSTGRES, "--leases postgres");
            refuseIf(
                    quartz == QuartzStore.JDBC || quartz == QuartzStore.BOTH,
                    "--quartz-store " + quartz.name().toLowerCase(Locale.ROOT));
            refuseIf(!record.isEmpty(), "--record " + record);
        }
    }

    private static void refuseIf(boolean wanted, String what) {
        if (wanted) {
            throw new IllegalArgumentException(what + " needs PostgreSQL: name one with --database or DATABASE_URL");
        }
    }

    /** A JDBC address, also from the form {@code postgres://user:password@host:port/db} that platforms hand out. */
    static String jdbcUrl(String setting, String url) {
        if (url.startsWith("jdbc:postgresql:")) {
            return url;
        }
        try {
            URI uri = new URI(url);
            boolean postgres = "postgres".equals(uri.getScheme()) || "postgresql".equals(uri.getScheme());
            if (postgres && uri.getHost() != null && uri.getPath().length() > 1) {
                int port = uri.getPort() < 0 ? 5432 : uri.getPort();
                return "jdbc:postgresql://" + uri.getHost() + ":" + port + uri.getRawPath() + parameters(uri);
            }
        } catch (URISyntaxException e) {
            // Told below, without the password that its message would show.
        }
        throw new IllegalArgumentException(setting + " must be jdbc:postgresql://host/db?user=…&password=… or "
                + "postgres://user:password@host:5432/db (odd characters as %xx), was '"
                + url.replaceAll("(?s)//.*@", "//***@").replaceAll("(?s)[?].*", "?***") + "'");
    }

    /** User and password, and whatever else the address says, such as {@code sslmode=require}. */
    private static String parameters(URI uri) {
        List<String> parameters = new ArrayList<>();
        if (uri.getRawUserInfo() != null) {
            String[] user = uri.getRawUserInfo().split(":", 2);
            parameters.add("user=" + encoded(user[0]));
            if (user.length > 1) {
                parameters.add("password=" + encoded(user[1]));
            }
        }
        if (uri.getRawQuery() != null) {
            parameters.add(uri.getRawQuery());
        }
        return parameters.isEmpty() ? "" : "?" + String.join("&", parameters);
    }

    /** From the encoding of a URI, where + is a plus, to that of JDBC parameters, where it is a blank. */
    private static String encoded(String text) {
        String plain = URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        return URLEncoder.encode(plain, StandardCharsets.UTF_8);
    }

    /**
     * Where the worker's web server listens.
     *
     * @param port 0 for nowhere
     * @param bind name or address of the network interface
     * @param consoleToken what the console asks for; null: then it answers this machine only, and changes nothing
     * @param proxies addresses of the proxies before it, whose word on who asks is taken
     */
    record Web(int port, String bind, @Nullable Secret consoleToken, List<String> proxies) {
        Web(int port, String bind, @Nullable Secret consoleToken) {
            this(port, bind, consoleToken, List.of());
        }
    }

    /** Text that must not get into logs. */
    record Secret(String value) {
        @Override
        public String toString() {
            return "***";
        }
    }

    /** Where leases are kept. */
    enum Leases {
        REDIS,
        POSTGRES
    }

    /** Which of the two Quartz schedulers run. */
    enum QuartzStore {
        RAM,
        JDBC,
        BOTH,
        NONE
    }

    Duration ttl() {
        return runs.ttl();
    }

    /** How long a store may take to answer: two renewals have to fit into a ttl. */
    Duration answerTimeout() {
        return runs.fittingAnswerTimeout();
    }
}
