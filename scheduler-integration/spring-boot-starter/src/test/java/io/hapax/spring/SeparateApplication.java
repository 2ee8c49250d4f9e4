package io.hapax.spring;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * An application on a class path of its own, in this process: one start after the other, so that its classes are loaded and compiled
 * once. It has nothing in common with the test but the JDK. Not thread-safe.
 */
final class SeparateApplication implements AutoCloseable {

    /**
     * What applications of other tests in this process log meanwhile, with what was thrown: unlike here, a line of theirs begins with a
     * time.
     */
    private static final Pattern OF_OTHERS = Pattern.compile("(?m)^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} .*\\R"
            + "(?:(?:\\tat |\\t\\.\\.\\. |Caused by: |[\\w.$]+(?:Exception|Error)\\b).*\\R)*");

    private final URLClassLoader classes;
    private final String main;

    /** With those entries of this process's class path that its build would bring. */
    SeparateApplication(String main, Predicate<String> isBrought) {
        this(main, isBrought, ClassLoader.getPlatformClassLoader());
    }

    /** Beside other applications with the same libraries, which are loaded once. */
    SeparateApplication(String main, Predicate<String> isBrought, ClassLoader libraries) {
        this.classes = loader("separate", isBrought, libraries);
        this.main = main;
        leaveUrlsAlone();
    }

    /** Those entries of this process's class path that all of some applications have. */
    static URLClassLoader libraries(Predicate<String> isOne) {
        return loader("libraries", isOne, ClassLoader.getPlatformClassLoader());
    }

    private static URLClassLoader loader(String name, Predicate<String> isBrought, ClassLoader parent) {
        URL[] brought = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(isBrought)
                .map(SeparateApplication::url)
                .toArray(URL[]::new);
        return new URLClassLoader(name, brought, parent);
    }

    /** A JVM has one handler for the URLs within web applications, and the Tomcat of another test may have set its own. */
    private void leaveUrlsAlone() {
        try {
            classes.loadClass("org.apache.catalina.webresources.TomcatURLStreamHandlerFactory")
                    .getMethod("disable")
                    .invoke(null);
        } catch (ClassNotFoundException none) {
            // An application without Tomcat.
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** Returns what it printed, when its main method has ended. */
    String run(List<String> arguments) throws Exception {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        PrintStream out = System.out;
        PrintStream err = System.err;
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (PrintStream captured = new PrintStream(output, true, StandardCharsets.UTF_8)) {
            System.setOut(captured);
            System.setErr(captured);
            Thread.currentThread().setContextClassLoader(classes);
            classes.loadClass(main).getMethod("main", String[].class).invoke(null, (Object)
                    arguments.toArray(String[]::new));
        } catch (InvocationTargetException failed) {
            // A failed start has been told, as far as Spring Boot tells it; the launcher of a JVM would say no more.
            output.writeBytes("ended with an exception".getBytes(StandardCharsets.UTF_8));
        } finally {
            Thread.currentThread().setContextClassLoader(before);
            System.setOut(out);
            System.setErr(err);
        }
        return OF_OTHERS.matcher(output.toString(StandardCharsets.UTF_8)).replaceAll("");
    }

    @Override
    public void close() throws Exception {
        classes.close();
    }
}
