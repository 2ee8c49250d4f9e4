package io.hapax;

/** How a run is notified that it has lost its lease. In any case its listeners are called and {@code ensureHeld} throws. */
public enum OnLeaseLost {
    /** Its thread is interrupted. */
    INTERRUPT,
    /** Its thread is left alone. */
    SIGNAL
}
