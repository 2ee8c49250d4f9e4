package io.hapax.examples.micronaut;

import io.hapax.Guarded;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import io.micronaut.context.annotation.Requires;
import jakarta.inject.Singleton;

/** Beans that must fail the start; each is there only if a property asks for it. */
final class WrongBeans {

    private WrongBeans() {}

    @Singleton
    @Requires(property = "wrong.key")
    static class Constant {

        @Guarded(key = "same")
        void work(int number) {}
    }

    /** Not a bean by itself, so that nothing is woven into it. */
    static class Made {

        @Guarded
        public void work() {}
    }

    @Factory
    @Requires(property = "wrong.factory")
    static class Maker {

        @Bean
        @Singleton
        Made made() {
            return new Made();
        }
    }
}
