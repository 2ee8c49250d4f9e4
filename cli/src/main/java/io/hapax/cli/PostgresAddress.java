package io.hapax.cli;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Addresses of PostgreSQL as operators and platforms write them. */
public final class PostgresAddress {

    private PostgresAddress() {}

    /**
     * Makes an address of JDBC, also from the form {@code postgres://user:password@host:port/db} that platforms hand out.
     *
     * @param setting where it is from, for the message if it is none
     * @param url the address
     * @return the address for the driver
     * @throws IllegalArgumentException if it is no address of PostgreSQL; the message has no password
     */
    public static String jdbcUrl(String setting, String url) {
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
            // Reported below, without the password that its message would show.
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
}
