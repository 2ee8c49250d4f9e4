package io.hapax.cli;

import picocli.CommandLine.Command;

/** The commands about the ledger. */
@Command(
        name = "runs",
        description = "Shows what the ledger in PostgreSQL knows of runs, and decides about abandoned ones.",
        subcommands = {RunsListCommand.class, RunsShowCommand.class, RunsResolveCommand.class})
final class RunsCommand {}
