package io.hapax;

/** What happens to a run that was refused. The guard decides it; a scheduler only carries it out. */
public enum AfterRefusal {
    /** It does not take place. */
    SKIP,
    /** It is tried again later, without holding a thread. */
    TRY_AGAIN,
    /** It is asked for again on a thread that may wait: it was refused only because it asked {@linkplain RunRequest#withoutWaiting() without waiting}. */
    WAIT,
    /** It fails with an error. */
    FAIL
}
