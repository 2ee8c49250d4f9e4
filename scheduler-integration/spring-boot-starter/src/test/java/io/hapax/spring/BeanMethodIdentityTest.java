package io.hapax.spring;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.spring.test.InMemoryHapax;
import io.hapax.testkit.IdentityContract;
import java.util.concurrent.atomic.AtomicReference;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Calls of a method whose run key is made of its arguments, on replicas that are applications of their own. */
class BeanMethodIdentityTest extends IdentityContract {

    /** A bean. */
    public static class Work {
        @Guarded(once = "%0/%1")
        public String run(String job, int occurrence) {
            return CurrentRun.get().identity().run().orElseThrow().value();
        }
    }

    @Override
    protected String runKey(String job, int occurrence, int replica) {
        AtomicReference<String> key = new AtomicReference<>("");
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
                .withUserConfiguration(InMemoryHapax.Store.class)
                .withBean(Work.class)
                .run(context -> key.set(context.getBean(Work.class).run(job, occurrence)));
        return key.get();
    }
}
