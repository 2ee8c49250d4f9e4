package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OwnerId;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Gives a lease back; answers whether it was still held. */
final class ReleaseRequest extends Request<Boolean> {

    /** No grant has this token, and whatever the owner was granted is meant; that of a quorum starts with it. */
    private static final String ANY_GRANT = "0";

    private final OwnerId owner;
    private final String token;
    private final long retentionMillis;
    private final String aboutRun;
    private final Note note;
    private final String channel;
    private final String word;

    /** What a job's history is to say, and under which key; nothing, if the text is empty. */
    private record Note(String key, String text) {}

    private ReleaseRequest(
            Namespace namespace,
            Keyspace.Keys keys,
            OwnerId owner,
            String token,
            long retentionMillis,
            String aboutRun,
            Note note,
            String word) {
        super(keys);
        this.owner = owner;
        this.token = token;
        this.retentionMillis = retentionMillis;
        this.aboutRun = aboutRun;
        this.note = note;
        this.channel = namespace.channel();
        this.word = keys.areOfSlot() ? word + "-slot" : word;
    }

    static ReleaseRequest of(Namespace namespace, Lease lease, Ending ending) {
        JobIdentity identity = lease.identity();
        Keyspace.Keys keys = namespace.keys(identity);
        int format = namespace.bucket(keys).format();
        boolean marks = ending.isOver() && identity.runKey() != null && !isMarked(namespace, keys, identity, ending);
        String job = ending.job();
        return new ReleaseRequest(
                namespace,
                keys,
                lease.owner(),
                StoredLease.grant(lease),
                marks ? ending.retention().toMillis() : 0,
                // Only a marker has it.
                marks ? StoredLease.aboutRun(lease, Added.of(ending).in(format)) : "",
                job == null
                        ? new Note(keys.pause(), "")
                        : new Note(namespace.keyspace().history(keys.bucket(), job), StoredRun.text(lease, ending)),
                "release");
    }

    /** Whether the marker is in this very bucket already: that of the lease on the run key alone. */
    private static boolean isMarked(Namespace namespace, Keyspace.Keys keys, JobIdentity identity, Ending ending) {
        return ending.again()
                && namespace.keyspace().bucketOf(new JobIdentity(null, identity.runKey())) == keys.bucket();
    }

    /** Gives back what a request was perhaps granted: its owner has asked for nothing else. */
    static ReleaseRequest of(Namespace namespace, LeaseRequest request) {
        return of(namespace, request, "release");
    }

    /** Likewise, and leaves those who wait to wait: what is given back is of no use to them. */
    static ReleaseRequest quietly(Namespace namespace, LeaseRequest request) {
        return of(namespace, request, "give-back");
    }

    private static ReleaseRequest of(Namespace namespace, LeaseRequest request, String word) {
        Keyspace.Keys keys = namespace.keys(request.identity());
        return new ReleaseRequest(namespace, keys, request.owner(), ANY_GRANT, 0, "", new Note(keys.pause(), ""), word);
    }

    @Override
    String further() {
        return note.key();
    }

    @Override
    List<String> arguments() {
        return List.of(word, owner.value(), Long.toString(retentionMillis), token, aboutRun, note.text());
    }

    @Override
    @Nullable
    Alone alone() {
        if (token.startsWith(ANY_GRANT) || keys().areOfSlot()) {
            return null;
        }
        return new Alone(
                Script.RELEASE,
                List.of(keys().lease(), keys().waiter(), keys().done(), note.key()),
                List.of(
                        owner.value() + '|' + token + '|',
                        channel,
                        Long.toString(retentionMillis),
                        aboutRun,
                        note.text()));
    }

    @Override
    int answers() {
        return 1;
    }

    @Override
    Boolean read(Iterator<?> answers) {
        Object answer = answers.next();
        if (answer instanceof Long code) {
            return code == 1;
        }
        throw refused("release", (String) answer);
    }
}
