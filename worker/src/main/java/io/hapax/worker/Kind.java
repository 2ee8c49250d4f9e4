package io.hapax.worker;

/** The kinds of sample jobs, one for each way in which replicas run a job twice. */
enum Kind {
    TICK("Quartz cron, a RAMJobStore each"),
    REPORT("  the same, must not overlap"),
    CLUSTER("Quartz JDBC cluster, recovery"),
    ORDER("JobRunr, each order queued twice"),
    TRANSFER("JobRunr long jobs, one an account");

    private final String title;

    Kind(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }
}
