package io.hapax.console;

import jakarta.servlet.http.HttpServlet;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Wrapper;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.valves.RemoteIpValve;
import org.apache.tomcat.util.http.fileupload.FileUtils;

/** A real server on a free port of this machine, with the console at /console/. */
final class ConsoleServer implements AutoCloseable {

    private final Tomcat tomcat = new Tomcat();
    private final Path folder;
    private final int port;

    ConsoleServer(HttpServlet servlet) {
        this(servlet, 0, false);
    }

    /** On the port of one that was closed. */
    ConsoleServer(HttpServlet servlet, int port) {
        this(servlet, port, false);
    }

    /** Takes the client's address from the header {@code X-Real-Client}. */
    static ConsoleServer behindProxy(HttpServlet servlet) {
        return new ConsoleServer(servlet, 0, true);
    }

    private ConsoleServer(HttpServlet servlet, int wanted, boolean behindProxy) {
        try {
            folder = Files.createTempDirectory("console-test");
            tomcat.setBaseDir(folder.toString());
            tomcat.setPort(wanted);
            tomcat.getConnector().setProperty("address", "127.0.0.1");
            Context context = tomcat.addContext("", new File(".").getAbsolutePath());
            // It looks for leaks, which is not for tests whose threads outlive it.
            if (context instanceof StandardContext standard) {
                standard.setClearReferencesThreadLocals(false);
                standard.setClearReferencesRmiTargets(false);
            }
            Wrapper wrapper = Tomcat.addServlet(context, "console", servlet);
            wrapper.setAsyncSupported(true);
            wrapper.addMapping("/console/*");
            if (behindProxy) {
                RemoteIpValve valve = new RemoteIpValve();
                valve.setRemoteIpHeader("X-Real-Client");
                valve.setInternalProxies("127\\..*");
                context.getPipeline().addValve(valve);
            }
            tomcat.start();
            this.port = tomcat.getConnector().getLocalPort();
        } catch (LifecycleException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    int port() {
        return port;
    }

    URI at(String path) {
        return URI.create("http://localhost:" + port() + "/console/" + path);
    }

    @Override
    public void close() {
        try {
            tomcat.stop();
            tomcat.destroy();
            FileUtils.deleteDirectory(folder.toFile());
        } catch (LifecycleException | IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
