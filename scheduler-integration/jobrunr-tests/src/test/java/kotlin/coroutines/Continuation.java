package kotlin.coroutines;

/**
 * Stands for Kotlin's type of this name, so that no test needs its compiler.
 *
 * @param <T> what the suspended function returns
 */
public interface Continuation<T> {}
