package io.hapax.worker;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * What one replica needs to know.
 *
 * @param redisUrl where the leases are
 * @param jdbcUrl where Quartz' cluster and JobRunr keep their jobs
 * @param namespace keeps applications apart in Redis
 * @param name this replica, for people
 * @param guarded whether jobs are guarded
 * @param ttl time to live of a lease
 * @param fresh whether nothing can be running under the namespace
 * @param jobrunrPoll poll interval of JobRunr
 * @param checkin check-in interval of the Quartz cluster
 * @param grace how long running jobs may take to end at shutdown
 * @param healthPort where /health is answered; 0 for nowhere
 * @param record the part of the demo that runs are recorded to; empty for none
 */
record WorkerSettings(
        String redisUrl,
        String jdbcUrl,
        String namespace,
        String name,
        boolean guarded,
        Duration ttl,
        boolean fresh,
        Duration jobrunrPoll,
        Duration checkin,
        Duration grace,
        int healthPort,
        String record) {

    /** A JDBC address, also from the form {@code postgres://user:password@host:port/db} that platforms hand out. */
    static String jdbcUrl(String url) {
        if (url.startsWith("jdbc:postgresql:")) {
            return url;
        }
        if (!url.startsWith("postgres://") && !url.startsWith("postgresql://")) {
            throw new IllegalArgumentException("--database must be jdbc:postgresql://host/db?user=…&password=… or "
                    + "postgres://user:password@host:5432/db, was '" + url.replaceAll("(?s)//.*@", "//***@") + "'");
        }
        URI uri = URI.create(url);
        String[] user = String.valueOf(uri.getUserInfo()).split(":", 2);
        String credentials = uri.getUserInfo() == null
                ? ""
                : "?user=" + encoded(user[0]) + (user.length > 1 ? "&password=" + encoded(user[1]) : "");
        return "jdbc:postgresql://" + uri.getHost() + ":" + (uri.getPort() < 0 ? 5432 : uri.getPort()) + uri.getPath()
                + credentials;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** How long Redis may take to answer: two renewals have to fit into a ttl. */
    Duration answerTimeout() {
        Duration sixth = ttl.dividedBy(6);
        return sixth.compareTo(Duration.ofSeconds(2)) < 0 ? sixth : Duration.ofSeconds(2);
    }
}
