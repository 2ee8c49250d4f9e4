package io.hapax.benchmarks.faults.work;

/** Whatever is delivered or fired is run. */
final class NoGuard implements Guarding {

    private final Work work;
    private final RamTicks ticks;

    NoGuard(Settings settings, Work work) throws Exception {
        this.work = work;
        this.ticks = new RamTicks(settings.worker(), this::attempt);
    }

    @Override
    public Answer attempt(Occurrence occurrence) throws Exception {
        work.perform(occurrence, Held.NOTHING);
        return Answer.SETTLED;
    }

    @Override
    public void start() throws Exception {
        ticks.start();
    }

    @Override
    public void close() throws Exception {
        ticks.close();
    }
}
