package io.hapax.console;

import java.util.List;
import java.util.Map;

/**
 * The page of a job. Times in milliseconds.
 *
 * @param now when it was made
 * @param summary what the list of jobs shows of it
 * @param occurrences the last ones of the fleet, the newest first
 * @param running its runs, the oldest first
 * @param waiting its runs that wait for their keys
 */
record JobView(
        long now,
        Summary summary,
        List<Map<String, Object>> occurrences,
        List<Map<String, Object>> running,
        List<Map<String, Object>> waiting) {

    /**
     * What the list of jobs shows.
     *
     * @param job its name
     * @param success when it last succeeded; 0 if no worker knows of it
     * @param every the usual time between successes; 0 if it has not succeeded often enough to tell, or not regularly
     * @param took for how long it usually runs; 0 or 1 if it has not run often enough to tell
     * @param next when its scheduler has planned its next run, or else when it is due to succeed if all goes as usual; 0 if nobody
     *     can tell
     * @param overdue whether a planned run has not succeeded long after its time; or where schedulers do not tell, whether it has not
     *     succeeded for much longer than usual, and longer than ever in what is remembered
     * @param total changes whenever there is something new
     * @param strip what became of the last occurrences, the oldest first: {@code r}an, {@code f}ailed,
     *     {@code l}ost, {@code s}kipped, to be tried {@code a}gain, {@code u}nclear
     */
    record Summary(
            String job, long success, long every, long took, long next, boolean overdue, long total, String strip) {}
}
