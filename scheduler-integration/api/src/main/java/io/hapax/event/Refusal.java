package io.hapax.event;

import io.hapax.lease.Holder;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Why a run was refused, who is in its way, and when to try again. Immutable.
 *
 * @param verdict why
 * @param holder who holds the lease or has completed the occurrence; null if the verdict is {@link Verdict#UNAVAILABLE}
 * @param retryAfter when a further attempt makes sense, for example once the holder's lease could end
 * @param reason one sentence for display, {@linkplain VisibleText visible text}
 * @param cause the store's trouble if the verdict is {@link Verdict#UNAVAILABLE}; with another verdict, an
 *     {@link IllegalStateException} of a caller that would have waited for a run of its own thread, which never ends; else null
 */
public record Refusal(
        Verdict verdict,
        @Nullable Holder holder,
        Duration retryAfter,
        String reason,
        @Nullable Throwable cause) {

    /** Makes the reason visible: it may quote what others have chosen. */
    public Refusal {
        reason = VisibleText.of(reason);
    }

    /**
     * Returns the holder as an optional.
     *
     * @return who is in the way, if somebody is
     */
    public Optional<Holder> heldBy() {
        return Optional.ofNullable(holder);
    }

    /**
     * Returns since when the holder has been in the way, by the store's clock.
     *
     * @return when the holder's lease was granted, or the occurrence completed
     */
    public Optional<Instant> since() {
        return heldBy().map(Holder::since);
    }

    @Override
    public String toString() {
        return verdict + ": " + reason;
    }
}
