package io.hapax.worker;

import io.hapax.worker.WorkerSettings.Web;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.modeler.Registry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A small Tomcat with a servlet a path. */
final class WebServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WebServer.class);
    private static final int MOST_THREADS = 20;
    /** So that clients which send a byte now and then do not keep /health from answering. */
    private static final int SLOWEST_CLIENT_MILLIS = 5_000;

    private final Tomcat tomcat = new Tomcat();
    private final Path folder;

    private WebServer(Path folder) {
        this.folder = folder;
    }

    /**
     * Starts to serve.
     *
     * @param pages servlets by their URL patterns
     * @param home where / leads to
     * @throws IllegalArgumentException if there is no such interface
     * @throws IllegalStateException if the port cannot be used
     */
    static WebServer start(Web web, Map<String, HttpServlet> pages, String home) {
        InetAddress bind = address(web.bind());
        WebServer server = new WebServer(workFolder());
        try {
            server.serve(web.port(), bind, pages, home);
            return server;
        } catch (LifecycleException | RuntimeException e) {
            server.close();
            throw new IllegalStateException(
                    "port " + web.port() + " of " + web.bind() + " cannot be used for /health, /metrics and /console/: "
                            + rootOf(e).getMessage() + ". Choose another one by --http-port or HTTP_PORT",
                    e);
        }
    }

    private void serve(int port, InetAddress bind, Map<String, HttpServlet> pages, String home)
            throws LifecycleException {
        Registry.disableRegistry();
        tomcat.setBaseDir(folder.toString());
        Connector connector = connector(port, bind);
        tomcat.setConnector(connector);
        tomcat.getHost().getPipeline().addValve(plainErrors());
        Context context = tomcat.addContext("", null);
        leaveThreadsAlone((StandardContext) context);
        add(context, "", new Redirect(home));
        pages.forEach((pattern, servlet) -> add(context, pattern, servlet));
        tomcat.start();
        if (connector.getState() != LifecycleState.STARTED) {
            throw new LifecycleException("it could not be opened");
        }
    }

    private static Connector connector(int port, InetAddress bind) {
        Http11NioProtocol protocol = new Http11NioProtocol();
        // As an address: a name that cannot be resolved would open the port to everybody.
        protocol.setAddress(bind);
        Connector connector = new Connector(protocol);
        connector.setPort(port);
        connector.setThrowOnFailure(true);
        connector.setProperty("maxThreads", Integer.toString(MOST_THREADS));
        connector.setProperty("minSpareThreads", "1");
        connector.setProperty("connectionTimeout", Integer.toString(SLOWEST_CLIENT_MILLIS));
        return connector;
    }

    /** Looks for leaks of applications that are reloaded would need doors into the JDK, and this one is not reloaded. */
    private static void leaveThreadsAlone(StandardContext context) {
        context.setClearReferencesRmiTargets(false);
        context.setClearReferencesThreadLocals(false);
        context.setClearReferencesHttpClientKeepAliveThread(false);
    }

    /** Error pages that tell nobody which server this is, nor where it broke. */
    private static ErrorReportValve plainErrors() {
        ErrorReportValve errors = new ErrorReportValve();
        errors.setShowServerInfo(false);
        errors.setShowReport(false);
        return errors;
    }

    private static void add(Context context, String pattern, HttpServlet servlet) {
        Tomcat.addServlet(context, "at " + pattern, servlet).setAsyncSupported(true);
        context.addServletMapping(pattern, "at " + pattern);
    }

    /** Whether only this machine can reach an interface. */
    static boolean isLoopback(String bind) {
        return address(bind).isLoopbackAddress();
    }

    private static InetAddress address(String bind) {
        try {
            return InetAddress.getByName(bind);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(
                    "--http-bind or HTTP_BIND must be an address of this machine, such as 127.0.0.1 or 0.0.0.0, was '"
                            + bind + "'",
                    e);
        }
    }

    private static final class Redirect extends HttpServlet {

        private static final long serialVersionUID = 1L;

        private final String target;

        Redirect(String target) {
            this.target = target;
        }

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.sendRedirect(target);
        }
    }

    /** How the names of the folders of this process start, so that they are not taken for those of other workers. */
    static String folderPrefix() {
        return "hapax-worker-web-" + ProcessHandle.current().pid() + "-";
    }

    /** Tomcat wants a folder, although nothing of ours is in it. */
    private static Path workFolder() {
        try {
            return Files.createTempDirectory(folderPrefix());
        } catch (IOException e) {
            throw new IllegalStateException(
                    "no folder for temporary files can be made in " + System.getProperty("java.io.tmpdir"), e);
        }
    }

    private static Throwable rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    @Override
    public void close() {
        try {
            tomcat.stop();
            tomcat.destroy();
        } catch (LifecycleException e) {
            LOG.warn("the web server could not be stopped cleanly", e);
        }
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> inwards = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : inwards) {
                Files.delete(file);
            }
        } catch (IOException e) {
            LOG.warn("{} could not be deleted: {}", folder, e.toString());
        }
    }
}
