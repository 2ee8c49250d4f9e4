package io.hapax.http;

import io.hapax.lease.FencingToken;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests of runs that have been taken over: whose {@value RunHeaders#FENCING_TOKEN} is older than one that was seen of the
 * same {@value RunHeaders#FENCING_KEY}. Several requests of one run pass. Put it behind authentication: a client that may send a token may
 * lock out others.
 *
 * <p>Answers with {@code application/problem+json}: 409 for a token that is older, 400 for headers that are none, 428 if they are
 * {@linkplain #required() required} and missing, 503 if the fence cannot tell. Immutable.
 */
public final class FencingFilter implements Filter {

    private static final String TYPE = "urn:hapax:problem:";
    private static final Pattern TOKEN = Pattern.compile("[1-9]\\d{0,18}");
    private static final int PRECONDITION_REQUIRED = 428;

    private final Fence fence;
    private final boolean required;

    private FencingFilter(Fence fence, boolean required) {
        this.fence = fence;
        this.required = required;
    }

    /**
     * Creates a filter that lets requests without a token pass.
     *
     * @param fence remembers the tokens
     * @return the filter
     */
    public static FencingFilter of(Fence fence) {
        return new FencingFilter(fence, false);
    }

    /**
     * Refuses requests without a token, too.
     *
     * @return the changed filter
     */
    public FencingFilter required() {
        return new FencingFilter(fence, true);
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request instanceof HttpServletRequest asked && response instanceof HttpServletResponse answer) {
            Problem problem = problem(asked);
            if (problem != null) {
                problem.write(answer);
                return;
            }
        }
        chain.doFilter(request, response);
    }

    private @Nullable Problem problem(HttpServletRequest request) {
        List<String> tokens = Collections.list(request.getHeaders(RunHeaders.FENCING_TOKEN));
        List<String> keys = Collections.list(request.getHeaders(RunHeaders.FENCING_KEY));
        if (tokens.isEmpty() && keys.isEmpty()) {
            return required
                    ? new Problem(
                            PRECONDITION_REQUIRED,
                            "fencing-token-required",
                            "A fencing token is required",
                            "Send " + RunHeaders.FENCING_TOKEN + " and " + RunHeaders.FENCING_KEY + ".")
                    : null;
        }
        FencingToken token = tokens.size() == 1 ? token(tokens.get(0)) : null;
        if (token == null || keys.size() != 1 || !HeaderText.isKey(keys.get(0))) {
            return new Problem(
                    HttpServletResponse.SC_BAD_REQUEST,
                    "invalid-fencing-token",
                    "The fencing token is not valid",
                    "Send " + RunHeaders.FENCING_TOKEN + " once, a number from 1 to " + Long.MAX_VALUE + ", and "
                            + RunHeaders.FENCING_KEY + " once, percent-encoded, of at most 255 characters.");
        }
        return problem(keys.get(0), token);
    }

    private @Nullable Problem problem(String key, FencingToken token) {
        try {
            FencingToken highest = fence.raise(key, token);
            return highest.compareTo(token) <= 0
                    ? null
                    : new Problem(
                            HttpServletResponse.SC_CONFLICT,
                            "stale-fencing-token",
                            "The run has been taken over",
                            "Another run of " + key + " has sent the newer fencing token " + highest + ", this one is "
                                    + token + ". Stop, and do not try again.");
        } catch (FenceException e) {
            return new Problem(
                    HttpServletResponse.SC_SERVICE_UNAVAILABLE,
                    "fence-unavailable",
                    "The fencing token cannot be checked",
                    "Nothing was done. Try again.");
        }
    }

    private static @Nullable FencingToken token(String text) {
        if (!TOKEN.matcher(text).matches()) {
            return null;
        }
        try {
            return new FencingToken(Long.parseLong(text));
        } catch (NumberFormatException tooLarge) {
            return null;
        }
    }

    /** An answer as RFC 9457 has it. Its texts need no escapes: keys have neither quotes nor backslashes. */
    private record Problem(int status, String type, String title, String detail) {

        void write(HttpServletResponse response) throws IOException {
            byte[] body = ("{\"type\":\"" + TYPE + type + "\",\"title\":\"" + title + "\",\"status\":" + status
                            + ",\"detail\":\"" + detail + "\"}")
                    .getBytes(StandardCharsets.UTF_8);
            response.setStatus(status);
            response.setContentType("application/problem+json");
            response.setHeader("Cache-Control", "no-store");
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
        }
    }
}
