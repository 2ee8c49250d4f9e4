package io.hapax.cli;

import picocli.CommandLine.Command;

/** The commands about leases. */
@Command(
        name = "locks",
        description = "Shows who holds which key, and takes leases away.",
        subcommands = {LocksListCommand.class, LocksShowCommand.class, LocksReleaseCommand.class})
final class LocksCommand {}
