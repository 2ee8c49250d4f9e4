package io.hapax.benchmarks.cycle;

/**
 * What one run of a contender cost. CPU is that of the operating system, without the compiler's threads.
 *
 * @param foreign the part of the machine that other processes used meanwhile
 * @param statements of a cycle, where there is a database to count them; else not a number
 */
record Sample(
        double cyclesPerSecond,
        double clientMicros,
        double serverMicros,
        double p50,
        double p99,
        double p999,
        double bytes,
        double foreign,
        double statements) {

    /** From what a process said of itself. */
    static Sample of(double[] said, double serverSeconds, double foreign, double statements) {
        double perCycle = 1e6 / said[0];
        return new Sample(
                said[0] / said[1],
                said[2] * perCycle,
                serverSeconds * perCycle,
                said[3],
                said[4],
                said[5],
                said[6],
                foreign,
                statements / said[0]);
    }

    double micros() {
        return clientMicros + serverMicros;
    }
}
