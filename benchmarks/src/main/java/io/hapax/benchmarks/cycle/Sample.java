package io.hapax.benchmarks.cycle;

/**
 * What one run of a contender cost. CPU is that of the operating system, without the compiler's threads.
 *
 * @param foreign the part of the machine that other processes used meanwhile
 */
record Sample(
        double cyclesPerSecond,
        double clientMicros,
        double serverMicros,
        double compilerMicros,
        double p50,
        double p99,
        double p999,
        double bytes,
        double threads,
        double foreign) {

    double micros() {
        return clientMicros + serverMicros;
    }
}
