package io.hapax.benchmarks.faults.judge;

import java.util.Optional;

/** What a lock key and a run key would be if there were one caller at a time. */
final class Registers {

    private Registers() {}

    /** A lock key gives out tokens that grow. */
    enum Tokens implements Linearizability.Model<Long, Long> {
        GROWING;

        @Override
        public Long initial() {
            return Long.MIN_VALUE;
        }

        @Override
        public Optional<Long> after(Long last, Long token) {
            return token > last ? Optional.of(token) : Optional.empty();
        }

        @Override
        public boolean isRefusalFinal() {
            return true;
        }
    }

    /** What a run does with its lock key. */
    enum Doing {
        ENTERING,
        WORKING,
        LEAVING
    }

    /**
     * An act.
     *
     * @param run whose
     * @param doing what
     */
    record Act(String run, Doing doing) {}

    /** A lock key belongs to the run that entered last; another run may be active only after that one has left. */
    enum Holder implements Linearizability.Model<String, Act> {
        LAST;

        private static final String NOBODY = "";

        @Override
        public String initial() {
            return NOBODY;
        }

        @Override
        public Optional<String> after(String holder, Act act) {
            boolean itself = holder.equals(act.run());
            return switch (act.doing()) {
                case ENTERING -> Optional.of(act.run());
                case WORKING -> itself || holder.equals(NOBODY) ? Optional.of(holder) : Optional.empty();
                case LEAVING -> Optional.of(itself ? NOBODY : holder);
            };
        }
    }

    /** What is done to a run key. */
    enum Access {
        WRITING,
        FINDING_WRITTEN
    }

    /** A run key is written once. */
    enum Once implements Linearizability.Model<Boolean, Access> {
        WRITTEN;

        @Override
        public Boolean initial() {
            return false;
        }

        @Override
        public Optional<Boolean> after(Boolean written, Access access) {
            return switch (access) {
                case WRITING -> written ? Optional.empty() : Optional.of(true);
                case FINDING_WRITTEN -> written ? Optional.of(true) : Optional.empty();
            };
        }
    }
}
