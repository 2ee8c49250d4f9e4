package io.hapax.spring;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.bind.BindResult;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.core.env.Environment;

/**
 * The application's own settings of Redis, {@code spring.data.redis.*}, which Spring Boot 3 and 4 have alike. Whether Spring Data is
 * on the class path does not matter.
 */
record SpringRedis(
        @Nullable String url,
        @Nullable String host,
        @Nullable Integer port,
        @Nullable String username,
        @Nullable String password,
        @Nullable Integer database,
        @Nullable Ssl ssl,
        @Nullable Sentinel sentinel,
        @Nullable Cluster cluster) {

    static final String PREFIX = "spring.data.redis";

    private static final int PORT = 6379;

    /** TLS: a bundle implies that it is enabled. */
    record Ssl(@Nullable Boolean enabled, @Nullable String bundle) {}

    /** Servers that know the master. */
    record Sentinel(
            @Nullable String master,
            @Nullable List<String> nodes,
            @Nullable String username,
            @Nullable String password) {}

    /** Some servers of a Cluster. */
    record Cluster(@Nullable List<String> nodes) {}

    /** What the environment says; empty if that is nothing. */
    static Optional<SpringRedis> of(Environment environment) {
        BindResult<SpringRedis> said = Binder.get(environment).bind(PREFIX, SpringRedis.class);
        return said.isBound() ? Optional.of(said.get()) : Optional.empty();
    }

    /** Which of the settings says where it is. */
    String where() {
        if (isSentinel()) {
            return PREFIX + ".sentinel";
        }
        if (isCluster()) {
            return PREFIX + ".cluster";
        }
        return PREFIX + (url != null ? ".url" : host != null ? ".host" : "");
    }

    private boolean isSentinel() {
        return sentinel != null && sentinel.master() != null;
    }

    private boolean isCluster() {
        return cluster != null && cluster.nodes() != null;
    }

    private boolean isEncrypted() {
        return ssl != null && (ssl.enabled() == null ? ssl.bundle() != null : ssl.enabled());
    }

    private @Nullable String bundle() {
        return ssl == null || !isEncrypted() ? null : ssl.bundle();
    }

    /** One address, if that is all that is needed to connect; else null, and {@link #configuration} says the rest. */
    @Nullable
    String address() {
        return isSentinel() || isCluster() || bundle() != null ? null : single();
    }

    private String single() {
        if (url != null) {
            return url;
        }
        String user = username == null ? "" : encoded(username);
        String login = password == null ? user : user + ":" + encoded(password);
        return scheme() + (login.isEmpty() ? "" : login + "@") + (host == null ? "localhost" : host) + ":"
                + (port == null ? PORT : port) + "/" + (database == null ? 0 : database);
    }

    private String scheme() {
        return isEncrypted() ? "rediss://" : "redis://";
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /**
     * Everything else, for a client of the store's own.
     *
     * @param bundle certificates; null without TLS, or if any that Java trusts are fine
     * @throws IllegalArgumentException if something is missing or wrong; the message names it
     */
    Config configuration(Duration answerTimeout, @Nullable SslBundle bundle) {
        Config config = new Config();
        config.setCodec(StringCodec.INSTANCE);
        if (bundle != null) {
            trust(config, bundle);
        }
        int scan = (int) Math.max(200, answerTimeout.toMillis() / 4);
        Sentinel watched = sentinel;
        Cluster spread = cluster;
        if (watched != null && watched.master() != null) {
            config.useSentinelServers()
                    .setMasterName(watched.master())
                    .setDatabase(database == null ? 0 : database)
                    .setSentinelUsername(watched.username())
                    .setSentinelPassword(watched.password())
                    .setScanInterval(scan)
                    .addSentinelAddress(addresses(".sentinel.nodes", watched.nodes()));
            login(config, username, password);
        } else if (spread != null && spread.nodes() != null) {
            config.useClusterServers()
                    .setScanInterval(scan)
                    .addNodeAddress(addresses(".cluster.nodes", spread.nodes()));
            login(config, username, password);
        } else {
            alone(config);
        }
        return config;
    }

    private void alone(Config config) {
        URI address = parsed(single());
        config.useSingleServer()
                .setAddress(scheme() + address.getHost() + ":" + (address.getPort() < 0 ? PORT : address.getPort()))
                .setDatabase(database(address.getPath()));
        String[] user = address.getUserInfo() == null
                ? new String[] {""}
                : address.getUserInfo().split(":", 2);
        login(config, user[0], user.length > 1 ? user[1] : null);
    }

    private static URI parsed(String address) {
        URI uri;
        try {
            uri = new URI(address);
        } catch (URISyntaxException e) {
            // Its message has the password.
            throw wrong("it is not a URL");
        }
        if (uri.getHost() == null || uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw wrong("there is no host name, or something behind a '?' or a '#'");
        }
        return uri;
    }

    private static int database(@Nullable String path) {
        try {
            return path == null || path.length() <= 1 ? 0 : Integer.parseUnsignedInt(path.substring(1));
        } catch (NumberFormatException e) {
            throw wrong("the path must be the number of a database, as in /0");
        }
    }

    private static IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException(PREFIX + ".url cannot be used: " + why + ". Write"
                + " rediss://user:password@host:6379/0, and percent-encode the special characters of user and password"
                + " (%2F for /, %40 for @, %23 for #, %3F for ?)");
    }

    private static void login(Config config, @Nullable String user, @Nullable String password) {
        if (user != null && !user.isEmpty()) {
            config.setUsername(user);
        }
        if (password != null && !password.isEmpty()) {
            config.setPassword(password);
        }
    }

    private String[] addresses(String setting, @Nullable List<String> nodes) {
        if (nodes == null || nodes.isEmpty()) {
            throw new IllegalArgumentException(PREFIX + setting + " must name servers as host:port");
        }
        return nodes.stream().map(node -> scheme() + node.trim()).toArray(String[]::new);
    }

    /**
     * The bundle that the settings name.
     *
     * @return null if they name none
     * @throws IllegalArgumentException if there is no such bundle
     */
    @Nullable
    SslBundle named(ObjectProvider<SslBundles> bundles) {
        String name = bundle();
        if (name == null) {
            return null;
        }
        SslBundles all = bundles.getIfUnique();
        if (all == null) {
            throw new IllegalArgumentException(PREFIX + ".ssl.bundle names '" + name
                    + "', but there are no SSL bundles: define spring.ssl.bundle.*");
        }
        try {
            return all.getBundle(name);
        } catch (NoSuchSslBundleException unknown) {
            throw new IllegalArgumentException(
                    PREFIX + ".ssl.bundle: there is no SSL bundle '" + name + "'; define spring.ssl.bundle.jks." + name
                            + " or spring.ssl.bundle.pem." + name,
                    unknown);
        }
    }

    private static void trust(Config config, SslBundle bundle) {
        config.setSslTrustManagerFactory(bundle.getManagers().getTrustManagerFactory());
        if (bundle.getStores().getKeyStore() != null) {
            config.setSslKeyManagerFactory(bundle.getManagers().getKeyManagerFactory());
        }
        String[] protocols = bundle.getOptions().getEnabledProtocols();
        if (protocols != null) {
            config.setSslProtocols(protocols);
        }
        String[] ciphers = bundle.getOptions().getCiphers();
        if (ciphers != null) {
            config.setSslCiphers(ciphers);
        }
    }

    /** Never the passwords. */
    @Override
    public String toString() {
        return where();
    }
}
