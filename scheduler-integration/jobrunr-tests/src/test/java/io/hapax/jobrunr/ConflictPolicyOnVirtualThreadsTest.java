package io.hapax.jobrunr;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** The same on virtual threads, JobRunr's default from Java 21. */
@EnabledForJreRange(min = JRE.JAVA_21, disabledReason = "there are no virtual threads before Java 21")
@Tag("slow")
class ConflictPolicyOnVirtualThreadsTest extends ConflictPolicyTest {

    @Override
    Fleet fleet() {
        return new Fleet().onVirtualThreads();
    }
}
