package io.hapax.benchmarks.faults;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Moves the wall clock of single processes, and lets their connections come from an address that tells who they are: a small
 * library, built with the C compiler of the machine, that is loaded before all others.
 */
final class Shim {

    private static final String SOURCE = "shim.c";

    private final Path library;
    private final Path folder;
    private final String prefix;

    private Shim(Path library, Path folder, String prefix) {
        this.library = library;
        this.folder = folder;
        this.prefix = prefix;
    }

    /** The same library, with clocks of its own: names mean others than in other fleets. */
    Shim of(String fleet) {
        return new Shim(library, folder, prefix + fleet + "-");
    }

    /** Builds the library; empty where there is no C compiler. */
    static Optional<Shim> build(Path folder) throws IOException, InterruptedException {
        Path library = folder.resolve("shim.so").toAbsolutePath();
        try (InputStream source = Shim.class.getResourceAsStream(SOURCE)) {
            if (source == null) {
                throw new IOException(SOURCE + " is not on the class path");
            }
            Path copy = folder.resolve(SOURCE);
            Files.write(copy, source.readAllBytes());
            Process compiler = new ProcessBuilder(
                            "cc", "-shared", "-fPIC", "-O2", "-o", library.toString(), copy.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("cc.log").toFile())
                    .start();
            boolean built = compiler.waitFor(60, TimeUnit.SECONDS) && compiler.exitValue() == 0;
            return built ? Optional.of(new Shim(library, folder, "clock-")) : Optional.empty();
        } catch (IOException noCompiler) {
            return Optional.empty();
        }
    }

    /** The environment of a process whose clock can be moved under a name. */
    Map<String, String> environment(String name) throws IOException {
        move(name, 0);
        return Map.of(
                "LD_PRELOAD", library.toString(), "HAPAX_CLOCK", file(name).toString());
    }

    /** The same of a process whose connections on this machine come from an address of its own. */
    Map<String, String> environment(String name, InetAddress source) throws IOException {
        Map<String, String> environment = new HashMap<>(environment(name));
        environment.put("HAPAX_SOURCE", source.getHostAddress());
        return environment;
    }

    /** Moves the clock of a process to so many seconds from what it really is. */
    void move(String name, long seconds) throws IOException {
        ByteBuffer offset = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        offset.putLong(seconds).flip();
        try (FileChannel channel = FileChannel.open(file(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(offset, 0);
        }
    }

    private Path file(String name) {
        return folder.resolve(prefix + name).toAbsolutePath();
    }
}
