package io.hapax.benchmarks.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A variant in a JVM of its own, which receives commands and answers, one line each. Its standard error
 * is passed through. Not thread-safe.
 */
public final class ChildJvm implements AutoCloseable {

    private final Process process;
    private final BufferedReader output;

    private ChildJvm(Process process) {
        this.process = process;
        this.output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Starts a JVM with the class path of this one, and waits until it says "ready".
     *
     * @param main the class to run
     * @param jvmOptions options of the JVM
     * @param arguments the arguments of the class
     * @return the JVM
     * @throws IOException if it cannot be started
     */
    public static ChildJvm start(Class<?> main, List<String> jvmOptions, String... arguments) throws IOException {
        return start(main, jvmOptions, ProcessBuilder.Redirect.INHERIT, arguments);
    }

    /**
     * Starts a JVM with the class path of this one, and waits until it says "ready".
     *
     * @param main the class to run
     * @param jvmOptions options of the JVM
     * @param errors where its standard error goes
     * @param arguments the arguments of the class
     * @return the JVM
     * @throws IOException if it cannot be started
     */
    public static ChildJvm start(
            Class<?> main, List<String> jvmOptions, ProcessBuilder.Redirect errors, String... arguments)
            throws IOException {
        return startOn(System.getProperty("java.class.path"), main, jvmOptions, errors, arguments);
    }

    /**
     * Starts a JVM with another class path, and waits until it says "ready".
     *
     * @param classPath the class path
     * @param main the class to run
     * @param jvmOptions options of the JVM
     * @param arguments the arguments of the class
     * @return the JVM
     * @throws IOException if it cannot be started
     */
    public static ChildJvm startOn(String classPath, Class<?> main, List<String> jvmOptions, String... arguments)
            throws IOException {
        return startOn(classPath, main, jvmOptions, ProcessBuilder.Redirect.INHERIT, arguments);
    }

    private static ChildJvm startOn(
            String classPath,
            Class<?> main,
            List<String> jvmOptions,
            ProcessBuilder.Redirect errors,
            String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        // A number of compiler threads that does not change, so that their CPU time can be separated.
        command.add("-XX:-UseDynamicNumberOfCompilerThreads");
        command.add("-cp");
        command.add(classPath);
        command.add(main.getName());
        command.addAll(List.of(arguments));
        ChildJvm child =
                new ChildJvm(new ProcessBuilder(command).redirectError(errors).start());
        try {
            child.expect("ready");
            return child;
        } catch (IOException | RuntimeException e) {
            child.close();
            throw e;
        }
    }

    /**
     * Returns the process id.
     *
     * @return the process id
     */
    public long pid() {
        return process.pid();
    }

    /**
     * Reads the next line that the JVM says.
     *
     * @return the line
     * @throws IOException if it ended instead
     */
    public String read() throws IOException {
        String line = output.readLine();
        if (line == null) {
            throw new IOException("the JVM of the variant ended too early");
        }
        return line;
    }

    /**
     * Reads the next line, which has to be a certain one.
     *
     * @param wanted the line
     * @throws IOException if the JVM ended instead
     * @throws IllegalStateException if it said something else
     */
    public void expect(String wanted) throws IOException {
        String said = read();
        if (!said.equals(wanted)) {
            throw new IllegalStateException("the variant said '" + said + "' instead of '" + wanted + "'");
        }
    }

    /**
     * Tells the JVM something, without waiting for an answer.
     *
     * @param line what
     * @throws IOException if it has ended
     */
    public void tell(String line) throws IOException {
        process.getOutputStream().write((line + '\n').getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /**
     * Tells the JVM something and reads the answer.
     *
     * @param line what
     * @return the answer
     * @throws IOException if it has ended
     */
    public String ask(String line) throws IOException {
        tell(line);
        return read();
    }

    /** Kills the JVM and waits until it is gone. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
