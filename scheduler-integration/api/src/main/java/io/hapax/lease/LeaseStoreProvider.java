package io.hapax.lease;

import java.util.Map;
import java.util.ServiceLoader;

/**
 * Opens a lease store from an address, so that a scheduler can be guarded by properties alone.
 *
 * <p>Found by {@link ServiceLoader}; stores register an implementation.
 */
public interface LeaseStoreProvider {

    /**
     * Tells whether this provider understands an address.
     *
     * @param url the address, such as {@code redis://localhost:6379}
     * @return whether {@link #open} can be called with it
     */
    boolean accepts(String url);

    /**
     * Opens a store.
     *
     * @param url the address
     * @param settings further settings by name; unknown names are refused
     * @return the store; the caller closes it
     * @throws IllegalArgumentException if a setting is wrong
     * @throws LeaseStoreException if the store cannot be reached
     */
    LeaseStore open(String url, Map<String, String> settings);

    /**
     * Opens a store with the first provider on the class path that accepts the address.
     *
     * @param url the address
     * @param settings further settings by name
     * @return the store; the caller closes it
     * @throws IllegalArgumentException if no provider accepts the address or a setting is wrong
     * @throws LeaseStoreException if the store cannot be reached
     */
    static LeaseStore openStore(String url, Map<String, String> settings) {
        for (LeaseStoreProvider provider :
                ServiceLoader.load(LeaseStoreProvider.class, LeaseStoreProvider.class.getClassLoader())) {
            if (provider.accepts(url)) {
                return provider.open(url, settings);
            }
        }
        throw new IllegalArgumentException(
                "no lease store on the class path accepts the address '" + withoutCredentials(url)
                        + "'; add the module hapax-redis and use redis://host:port or rediss://host:port");
    }

    /** Also where a typing mistake has left something of them that is no longer recognised as such. */
    private static String withoutCredentials(String url) {
        return url.replaceAll("(?s)^((?:[a-zA-Z]+:)?//)?.*@", "$1***@")
                .replaceAll("(?s)^((?:[a-zA-Z]+://)?[^:/*]*:)(?!//|\\d+(/|$)).*", "$1***");
    }
}
