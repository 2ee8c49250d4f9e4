package io.hapax.cli;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.ServerHealth;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Looks at servers and settings for whatever weakens the guard. */
@Command(
        name = "doctor",
        description =
                "Looks at Redis and PostgreSQL as a worker with these settings would see them, and says what is wrong"
                        + " and how to fix it, the worst first. Changes nothing.")
final class DoctorCommand implements Callable<Integer> {

    private static final String REDIS = "redis";
    private static final String POSTGRESQL = "postgresql";
    private static final String WORKERS = "workers";
    /** Of many workers. */
    private static final int MOST_NAMED = 5;
    /** The namespace where none was named or found: only the servers are examined. */
    private static final String NOBODYS = "none";

    private static final String NO_NAMESPACE =
            "settings of the workers, as no namespace was found: --namespace or HAPAX_NAMESPACE names it";
    /** A look opens connections, and closes them. */
    private static final Duration LOOKS_APART = Duration.ofSeconds(5);

    private static final Set<String> WITHOUT = Set.of("off", "false");
    private static final String UNNAMED = "PostgreSQL, which nobody named: --database or DATABASE_URL does";
    private static final List<String> REDIS_CHECKS = List.of(
            "version",
            "rights of its user",
            "persistence",
            "eviction policy",
            "clock",
            "topology",
            "settings of the workers",
            "quarantine",
            "latency");
    private static final List<String> LEASE_CHECKS = List.of(
            "version",
            "tables",
            "rights of its role",
            "durability",
            "replication",
            "pooler",
            "clock",
            "settings of the workers",
            "latency");
    private static final List<String> LEDGER_CHECKS = List.of(
            "version",
            "tables",
            "rights of its role",
            "durability",
            "clock",
            "settings of the workers",
            "abandoned occurrences",
            "latency");

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Option(names = "--no-ledger", description = "the workers have no ledger: leave PostgreSQL out [HAPAX_LEDGER=off]")
    private boolean withoutLedger;

    @Option(names = "--watch", description = "look again and again, until it is ended")
    private boolean watch;

    @Mixin
    private final Repeatedly repeatedly = new Repeatedly();

    /** A finding, as programs get it. */
    record Diagnosis(Severity severity, String about, String problem, String remedy) {

        static Diagnosis of(String about, Finding finding) {
            return new Diagnosis(finding.severity(), about, finding.problem(), finding.remedy());
        }
    }

    /** What was looked at, whatever was found there. */
    record Checked(String about, String server, boolean answers, String detail, List<String> checks) {}

    /** As programs get it. */
    record Document(
            String namespace,
            long errors,
            long warnings,
            long notes,
            List<Diagnosis> findings,
            List<Checked> checked,
            List<String> leftOut) {}

    @Override
    public Integer call() {
        if (watch) {
            repeatedly.show(common, () -> LOOKS_APART, () -> shown(look()));
            return ExitCodes.FINE;
        }
        Document document = look();
        common.write(shown(document));
        return document.errors() > 0
                ? ExitCodes.ERRORS_FOUND
                : document.warnings() > 0 ? ExitCodes.WARNINGS_FOUND : ExitCodes.FINE;
    }

    private Consumer<PrintWriter> shown(Document document) {
        return out -> {
            if (common.isJson()) {
                out.println(CommonOptions.json(document));
                return;
            }
            if (watch) {
                out.println(PlainText.time(common.now()));
            }
            print(out, document);
        };
    }

    private Document look() {
        boolean named = common.findNamespaceOr(NOBODYS, leases::namespaces);
        List<Diagnosis> findings = new ArrayList<>();
        List<Checked> checked = new ArrayList<>();
        leases.examine(common.namespace())
                .forEach(finding -> findings.add(Diagnosis.of(leases.areInPostgres() ? POSTGRESQL : REDIS, finding)));
        String fingerprint = servers(checked, findings);
        boolean ledger = !withoutLedger && !WITHOUT.contains(CommonOptions.setting(null, "HAPAX_LEDGER", "on"));
        DatabaseOptions database = leases.database();
        if (ledger && database.isNamed()) {
            database.builder(common.namespace(), leases.answerTimeoutOfDatabase()).examine(fingerprint).stream()
                    .map(finding -> Diagnosis.of(POSTGRESQL, finding))
                    // What is wrong with the server of both is reported once.
                    .filter(finding -> !findings.contains(finding))
                    .forEach(findings::add);
            checked.add(new Checked(
                    POSTGRESQL,
                    database.place(),
                    database.answers(),
                    leases.areInPostgres() ? "the ledger" : "",
                    LEDGER_CHECKS));
        }
        findings.sort(Comparator.comparing(Diagnosis::severity));
        return new Document(
                common.namespace(),
                count(findings, Severity.ERROR),
                count(findings, Severity.WARNING),
                count(findings, Severity.NOTE),
                findings.stream().map(DoctorCommand::safe).toList(),
                checked,
                Stream.of(ledger && !database.isNamed() ? UNNAMED : "", named ? "" : NO_NAMESPACE)
                        .filter(what -> !what.isEmpty())
                        .toList());
    }

    /**
     * Notes how each server of leases is, and what is known of the workers there; returns the settings on which workers with ours would
     * agree.
     */
    private String servers(List<Checked> checked, List<Diagnosis> findings) {
        if (leases.areInPostgres()) {
            DatabaseOptions database = leases.database();
            checked.add(new Checked(POSTGRESQL, database.place(), database.answers(), "leases", LEASE_CHECKS));
            return inPostgres(findings);
        }
        RedisOptions redis = leases.redis();
        try (AdministeredStore store = redis.open(common.namespace())) {
            for (ServerHealth server : redis.servers(store)) {
                checked.add(new Checked(
                        REDIS, server.server(), server.latency().toNanos() > 0, server.detail(), REDIS_CHECKS));
            }
            findings.addAll(observers(store));
            return store.fingerprint();
        } catch (IllegalArgumentException noQuorum) {
            // Among the findings.
            return "";
        }
    }

    private String inPostgres(List<Diagnosis> findings) {
        try (AdministeredStore store = leases.open(common.namespace())) {
            findings.addAll(observers(store));
            return store.fingerprint();
        } catch (LeaseStoreException trouble) {
            // Among the findings.
            return "";
        }
    }

    /** Workers that only observe guard nothing, which their logs say at the start alone. Those without a console do not report. */
    private static List<Diagnosis> observers(AdministeredStore store) {
        List<FleetReport> reports;
        try {
            reports = FleetReport.summaries(store);
        } catch (LeaseStoreException trouble) {
            // Among the findings, or a right that the doctor names.
            return List.of();
        }
        List<String> observers = reports.stream()
                .filter(FleetReport::observes)
                .map(FleetReport::worker)
                .sorted()
                .toList();
        if (observers.isEmpty()) {
            return List.of();
        }
        boolean one = observers.size() == 1;
        String who = observers.stream().limit(MOST_NAMED).collect(Collectors.joining(", "))
                + (observers.size() > MOST_NAMED ? " and " + (observers.size() - MOST_NAMED) + " more" : "");
        return List.of(new Diagnosis(
                Severity.WARNING,
                WORKERS,
                counted(observers.size(), "worker") + (one ? " only observes" : " only observe") + " (" + who + ")"
                        + (observers.size() == reports.size() ? ", and no worker that reports guards" : "")
                        + (one ? ": it refuses and interrupts nothing" : ": they refuse and interrupt nothing")
                        + ", so that what is fired twice runs twice, but for jobs that set observe=false",
                "Set observe=false (Spring Boot: hapax.defaults.observe=false) and start "
                        + (one ? "it" : "them")
                        + " again, once the log has no more lines \"ran twice\" or \"LEASE LOST\""
                        + " that nobody can explain"));
    }

    private static long count(List<Diagnosis> findings, Severity severity) {
        return findings.stream()
                .filter(finding -> finding.severity() == severity)
                .count();
    }

    private static Diagnosis safe(Diagnosis finding) {
        return new Diagnosis(
                finding.severity(),
                finding.about(),
                PlainText.withoutPasswords(finding.problem()),
                PlainText.withoutPasswords(finding.remedy()));
    }

    private static void print(PrintWriter out, Document document) {
        for (Diagnosis finding : document.findings()) {
            PlainText.paragraph(out, String.format(Locale.ROOT, "%-8s ", finding.severity()), finding.problem());
            PlainText.paragraph(out, "  to do: ", finding.remedy());
            out.println();
        }
        for (Checked checked : document.checked()) {
            boolean cut = document.findings().stream()
                    .anyMatch(finding -> finding.severity() == Severity.ERROR
                            && finding.about().equals(checked.about()));
            String what = String.join(", ", checked.checks());
            PlainText.paragraph(
                    out,
                    checked.answers() ? "checked: " : "silent:  ",
                    (checked.about().equals(REDIS) ? "Redis at " : "PostgreSQL at ")
                            + checked.server()
                            + (checked.detail().isEmpty() ? "" : " (" + checked.detail() + ")")
                            + (!checked.answers() ? "" : cut ? ", as far as the errors allow: " + what : ": " + what));
        }
        document.leftOut().forEach(what -> PlainText.paragraph(out, "left out: ", what));
        out.println("namespace " + document.namespace() + ": " + counted(document.errors(), "error") + ", "
                + counted(document.warnings(), "warning") + ", " + counted(document.notes(), "note"));
    }

    private static String counted(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }
}
