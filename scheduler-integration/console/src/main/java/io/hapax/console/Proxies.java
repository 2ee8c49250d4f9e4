package io.hapax.console;

import io.hapax.lease.VisibleText;
import jakarta.servlet.http.HttpServletRequest;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The proxies before the console, whose word on who has sent a request, and how, is taken. Nobody else's is: anybody can
 * send these headers. Immutable and thread-safe.
 */
final class Proxies {

    static final Proxies NONE = new Proxies(List.of());

    private static final String FORWARDED_FOR = "X-Forwarded-For";
    private static final String FORWARDED_PROTO = "X-Forwarded-Proto";

    /** What is no address would be looked up as a name. */
    private static final Pattern ADDRESS =
            Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    private static final Pattern WITH_PORT = Pattern.compile("\\[(.*)](:[0-9]+)?|([0-9.]+):[0-9]+");

    private final List<Range> ranges;

    private Proxies(List<Range> ranges) {
        this.ranges = List.copyOf(ranges);
    }

    /**
     * Whom a request is from.
     *
     * @param name the address of the client, as far as it is known
     * @param shared the address that this client shares with all others behind an unknown proxy, or null
     */
    record Client(String name, @Nullable String shared) {
        @Override
        public String toString() {
            return shared == null ? name : name + " (" + shared + " says so, which is none of the configured proxies)";
        }
    }

    private record Range(InetAddress address, int bits) {

        static Range of(String text) {
            int slash = text.indexOf('/');
            InetAddress address = parsed(slash < 0 ? text : text.substring(0, slash));
            if (address != null) {
                try {
                    int most = address.getAddress().length * 8;
                    int bits = slash < 0 ? most : Integer.parseInt(text.substring(slash + 1));
                    if (bits >= 0 && bits <= most) {
                        return new Range(address, bits);
                    }
                } catch (NumberFormatException noNumber) {
                    // Reported below.
                }
            }
            throw new IllegalArgumentException("a proxy before the console is an address or a range of them, such as"
                    + " 10.0.0.7, 10.0.0.0/8 or fd00::/8; was '" + VisibleText.of(text)
                    + "' (worker: --http-proxies; Spring: hapax.console.proxies)");
        }

        boolean contains(InetAddress other) {
            byte[] mine = address.getAddress();
            byte[] its = other.getAddress();
            if (its.length != mine.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> (bit % 8);
                if (((mine[bit / 8] ^ its[bit / 8]) & mask) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    /**
     * Reads addresses and ranges of addresses.
     *
     * @throws IllegalArgumentException if one is neither
     */
    static Proxies of(Collection<String> texts) {
        return new Proxies(texts.stream().map(String::strip).map(Range::of).toList());
    }

    private static @Nullable InetAddress parsed(String text) {
        if (!ADDRESS.matcher(text).matches()) {
            return null;
        }
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException noAddress) {
            return null;
        }
    }

    private boolean contain(String address) {
        InetAddress known = parsed(address);
        return known != null && ranges.stream().anyMatch(range -> range.contains(known));
    }

    /** The last in the chain of forwarders that is not one of the proxies. */
    Client client(HttpServletRequest request) {
        String peer = request.getRemoteAddr();
        List<String> hops = hops(request, FORWARDED_FOR);
        if (!contain(peer)) {
            String said = hops.isEmpty() ? null : plain(hops.get(hops.size() - 1));
            return said == null || parsed(said) == null ? new Client(peer, null) : new Client(said, peer);
        }
        String client = peer;
        for (int n = hops.size() - 1; n >= 0 && contain(client); n--) {
            String before = plain(hops.get(n));
            if (parsed(before) == null) {
                break;
            }
            client = before;
        }
        return new Client(client, null);
    }

    /** Whether the client itself speaks TLS, perhaps to a proxy. */
    boolean isSecure(HttpServletRequest request) {
        if (request.isSecure()) {
            return true;
        }
        List<String> protocols = hops(request, FORWARDED_PROTO);
        return contain(request.getRemoteAddr())
                && !protocols.isEmpty()
                && protocols.get(0).equalsIgnoreCase("https");
    }

    private static List<String> hops(HttpServletRequest request, String header) {
        List<String> hops = new ArrayList<>();
        for (String line : Collections.list(request.getHeaders(header))) {
            for (String hop : line.split(",", -1)) {
                if (!hop.isBlank()) {
                    hops.add(hop.strip());
                }
            }
        }
        return hops;
    }

    private static String plain(String hop) {
        var matcher = WITH_PORT.matcher(hop);
        if (!matcher.matches()) {
            return hop;
        }
        return matcher.group(1) != null ? matcher.group(1) : matcher.group(3);
    }
}
