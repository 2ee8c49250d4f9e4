package io.hapax.redis;

/** Brings what is published on a channel. Messages may be lost. Thread-safe. */
interface Messages {

    /** Whom messages are brought to, on any thread. */
    interface Receiver {
        /** From now on, until it is broken. */
        void stands();

        void heard(String message);

        /** There is no subscription, or it is broken; what was published meanwhile is lost. */
        void failed(Throwable why);
    }

    /** Subscribes, once; again after it has failed. */
    void listen(Receiver receiver);

    /** Ends the subscription. */
    void close();
}
