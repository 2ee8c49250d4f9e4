package io.hapax.testkit;

import java.lang.reflect.Method;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** What a {@link FaultInjector} does instead of a proper answer. Immutable, unless the failure is not. */
public sealed interface InjectedFault {

    /**
     * The call is not carried out and throws.
     *
     * @param failure anything, also a checked exception that the method does not declare
     */
    record Thrown(Throwable failure) implements InjectedFault {}

    /**
     * The call is not carried out; its stage fails.
     *
     * @param failure with what
     */
    record Failed(Throwable failure) implements InjectedFault {}

    /**
     * The call is carried out and its answer is lost: the stage fails.
     *
     * @param failure with what
     */
    record FailedAfterwards(Throwable failure) implements InjectedFault {}

    /** Faults without a failure of their own. */
    enum Answer implements InjectedFault {
        /** The call is not carried out; it returns null instead of a stage, or of a value. */
        NULL,
        /** The call is not carried out; its stage is completed with null. */
        STAGE_OF_NULL,
        /** The call is carried out; the list that it answers lacks its last element. */
        TOO_SHORT,
        /** The call is carried out; the list that it answers has its last element twice. */
        TOO_LONG,
        /** The call is carried out; the elements of the list that it answers are null. */
        NULL_ELEMENTS,
        /** The call is not carried out and never answered. */
        NEVER,
        /** The call is carried out and never answered. */
        NEVER_BUT_DONE,
        /** The call is carried out at once and answered at {@link FaultInjector#release}. */
        LATE,
        /** The call is carried out and answered at {@link FaultInjector#release}. */
        DONE_LATE,
        /** The call is carried out twice; the second answer counts. */
        TWICE,
        /** The call is not carried out; its stage is cancelled. */
        CANCELLED,
        /** The call is carried out; its dependants are called by a thread that nobody knows. */
        ON_ANOTHER_THREAD
    }

    /**
     * Tells whether a method can misbehave like this: only stages fail, or come late, and only lists are too short.
     *
     * @param method a port's method
     * @return whether it can
     */
    default boolean fits(Method method) {
        boolean stage = CompletionStage.class.isAssignableFrom(method.getReturnType());
        if (this instanceof Thrown || this == Answer.TWICE) {
            return true;
        }
        if (this == Answer.NULL) {
            return !method.getReturnType().isPrimitive();
        }
        if (List.of(Answer.TOO_SHORT, Answer.TOO_LONG, Answer.NULL_ELEMENTS).contains(this)) {
            return stage && method.getGenericReturnType().getTypeName().contains("<java.util.List<");
        }
        return stage;
    }
}
