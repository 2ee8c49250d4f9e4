package io.hapax.testkit;

import java.net.URI;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Where a PostgreSQL database is, and as whom to connect. Immutable.
 *
 * @param host the host
 * @param port the port
 * @param database the database
 * @param user the user
 * @param password the password, possibly empty
 */
public record DatabaseAddress(String host, int port, String database, String user, String password) {

    private static final int DEFAULT_PORT = 5432;
    private static final String DEFAULT_USER = "postgres";

    static DatabaseAddress local(int port) {
        return new DatabaseAddress("127.0.0.1", port, "postgres", DEFAULT_USER, DEFAULT_USER);
    }

    static DatabaseAddress parse(String url) {
        URI uri = Settings.uri(url.startsWith("jdbc:") ? url.substring("jdbc:".length()) : url);
        boolean postgres = "postgres".equals(uri.getScheme()) || "postgresql".equals(uri.getScheme());
        String path = uri.getPath();
        if (!postgres || uri.getHost() == null || path == null || path.length() < 2) {
            throw new IllegalArgumentException("an address of PostgreSQL has the form"
                    + " postgresql://[user[:password]@]host[:port]/database; this one has the scheme '"
                    + uri.getScheme() + "', the host '" + uri.getHost() + "' and the path '" + path + "'");
        }
        String[] credentials = uri.getUserInfo() == null
                ? new String[] {DEFAULT_USER}
                : uri.getUserInfo().split(":", 2);
        int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
        String password = credentials.length < 2 ? "" : credentials[1];
        return new DatabaseAddress(uri.getHost(), port, path.substring(1), credentials[0], password);
    }

    /**
     * Returns the address for JDBC, without credentials.
     *
     * @return {@code jdbc:postgresql://host:port/database}
     */
    public String jdbcUrl() {
        return "jdbc:postgresql://" + host + ":" + port + "/" + database;
    }

    /**
     * Opens a connection for each call; nothing is pooled.
     *
     * @return a data source of this database
     */
    public DataSource dataSource() {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(jdbcUrl());
        source.setUser(user);
        source.setPassword(password);
        return source;
    }

    DatabaseAddress withDatabase(String name) {
        return new DatabaseAddress(host, port, name, user, password);
    }

    /** Without the password, which does not belong into logs. */
    @Override
    public String toString() {
        return user + "@" + jdbcUrl();
    }
}
