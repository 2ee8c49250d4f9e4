package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * How every adapter finds the settings of a job: for each setting the nearest place that states it decides. An adapter passes if a
 * subclass of this one passes.
 */
public abstract class PolicyContract {

    /** The lock key that the annotation of a method states. */
    protected static final String METHOD_KEY = "policy/method";

    /** The time to live that the annotation of a method states. */
    protected static final String METHOD_TTL = "43s";

    /** The lock key that the annotation of a class or interface states. */
    protected static final String TYPE_KEY = "policy/type";

    /** The time to live that the annotation of a class or interface states. */
    protected static final String TYPE_TTL = "41s";

    /** The lock key among the entries of a job. */
    protected static final String ENTRY_KEY = "policy/entry";

    /** The time to live that the guard has by default. */
    protected static final Duration DEFAULT_TTL = Duration.ofSeconds(37);

    private static final Found METHOD = new Found(METHOD_KEY, Duration.ofSeconds(43));
    private static final Found TYPE = new Found(TYPE_KEY, Duration.ofSeconds(41));

    /** Where a job states its settings. */
    public enum Stated {
        /** Nothing but a key on the method, with {@link #METHOD_KEY}. */
        KEY_ONLY,
        /** Key and time to live on the method that does the work. */
        ON_METHOD,
        /** The method that does the work has an annotation that has the guard's, with key and time to live. */
        BY_COMPOSED_ANNOTATION,
        /** Key and time to live on the class. */
        ON_CLASS,
        /** Key and time to live on a superclass of the class. */
        ON_SUPERCLASS,
        /** Key and time to live on an interface of the class. */
        ON_INTERFACE,
        /** Key and time to live on the method that the job's own method overrides. */
        ON_OVERRIDDEN_METHOD,
        /** Key and time to live on the class, and another time to live, without a key, on the method. */
        ON_METHOD_AND_CLASS,
        /** Key and time to live on the method, and {@link #ENTRY_KEY} without a time to live among the entries of the job. */
        IN_ENTRIES_AND_ON_METHOD
    }

    /**
     * What holds for a run.
     *
     * @param key its lock key
     * @param ttl the time to live of its lease
     */
    public record Found(String key, Duration ttl) {}

    /** For subclasses. */
    protected PolicyContract() {}

    /**
     * Finds out how a job is guarded, by a guard whose default time to live is {@link #DEFAULT_TTL}.
     *
     * @param where where it states its settings
     * @return what holds for its run
     * @throws Exception as the adapter throws
     */
    protected abstract Found found(Stated where) throws Exception;

    /**
     * Sets a job up whose method states {@code ttl = "soon"}.
     *
     * @return why the adapter refused; empty if it did not
     * @throws Exception as the adapter throws
     */
    protected abstract String refusalOfWrongTtl() throws Exception;

    /**
     * Tells whether single jobs have entries of their own.
     *
     * @return whether they do
     */
    protected boolean hasEntries() {
        return false;
    }

    @Test
    void what_nothing_states_is_as_the_guard_has_it() throws Exception {
        assertThat(found(Stated.KEY_ONLY)).isEqualTo(new Found(METHOD_KEY, DEFAULT_TTL));
    }

    @Test
    void the_method_states_it() throws Exception {
        assertThat(found(Stated.ON_METHOD)).isEqualTo(METHOD);
    }

    @Test
    void a_composed_annotation_states_it() throws Exception {
        assertThat(found(Stated.BY_COMPOSED_ANNOTATION)).isEqualTo(METHOD);
    }

    @Test
    void the_class_states_it() throws Exception {
        assertThat(found(Stated.ON_CLASS)).isEqualTo(TYPE);
    }

    @Test
    void a_superclass_states_it() throws Exception {
        assertThat(found(Stated.ON_SUPERCLASS)).isEqualTo(TYPE);
    }

    @Test
    void an_interface_states_it() throws Exception {
        assertThat(found(Stated.ON_INTERFACE)).isEqualTo(TYPE);
    }

    @Test
    void an_overridden_method_states_it() throws Exception {
        assertThat(found(Stated.ON_OVERRIDDEN_METHOD)).isEqualTo(METHOD);
    }

    @Test
    void for_each_setting_the_nearest_place_decides() throws Exception {
        assertThat(found(Stated.ON_METHOD_AND_CLASS)).isEqualTo(new Found(TYPE_KEY, METHOD.ttl()));
        if (hasEntries()) {
            assertThat(found(Stated.IN_ENTRIES_AND_ON_METHOD)).isEqualTo(new Found(ENTRY_KEY, METHOD.ttl()));
        }
    }

    @Test
    void a_wrong_value_is_refused_with_its_name() throws Exception {
        assertThat(refusalOfWrongTtl()).contains("@Guarded on ").contains("ttl").contains("soon");
    }
}
