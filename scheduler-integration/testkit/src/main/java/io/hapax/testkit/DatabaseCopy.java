package io.hapax.testkit;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import javax.sql.DataSource;

/** The files of a PostgreSQL server that runs, copied for a standby. */
final class DatabaseCopy {

    /** Of the server's present life alone. */
    private static final Set<String> LEFT_OUT = Set.of("postmaster.pid", "postmaster.opts", "epg-lock");

    /** Folders of which only the folder is needed: what is in them comes over the network, or is of no use elsewhere. */
    private static final Set<String> EMPTY = Set.of("pg_wal", "pg_replslot", "pg_stat_tmp");

    private DatabaseCopy() {}

    /** Copies the files, and lets the server that will be started on them follow the one on a port of this machine. */
    static void make(DataSource primary, int port, Path from, Path to) {
        try (Connection connection = primary.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_backup_start('standby', true)");
            copy(from, to);
            try (ResultSet stopped = statement.executeQuery("SELECT labelfile FROM pg_backup_stop(false)")) {
                stopped.next();
                Files.writeString(to.resolve("backup_label"), stopped.getString(1));
            }
            Files.createFile(to.resolve("standby.signal"));
            String user = connection.getMetaData().getUserName();
            Files.writeString(
                    to.resolve("postgresql.auto.conf"),
                    "primary_conninfo = 'host=127.0.0.1 port=" + port + " user=" + user + "'\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING);
        } catch (SQLException | IOException e) {
            throw new IllegalStateException("PostgreSQL on port " + port + " could not be copied", e);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                Files.createDirectories(
                        to.resolve(from.relativize(folder)),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Path name = from.relativize(file);
                boolean isEmptied = EMPTY.contains(name.getName(0).toString());
                if (!isEmptied && !LEFT_OUT.contains(name.toString())) {
                    try {
                        Files.copy(file, to.resolve(name));
                    } catch (NoSuchFileException dropped) {
                        // What was dropped meanwhile is in the log.
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
    }

    /** Lets commits wait for the standby, once it follows. */
    static void awaitSynchronous(DataSource primary) {
        RedisReplication.await("the standby to follow PostgreSQL", () -> isThere(primary, "state = 'streaming'"));
        execute(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
        execute(primary, "SELECT pg_reload_conf()");
        RedisReplication.await("the standby to be synchronous", () -> isThere(primary, "sync_state = 'sync'"));
    }

    private static boolean isThere(DataSource primary, String condition) {
        try (Connection connection = primary.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT 1 FROM pg_stat_replication WHERE " + condition)) {
            return rows.next();
        } catch (SQLException e) {
            throw new IllegalStateException("PostgreSQL does not say who follows it", e);
        }
    }

    static void execute(DataSource database, String sql) {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql + " failed", e);
        }
    }
}
