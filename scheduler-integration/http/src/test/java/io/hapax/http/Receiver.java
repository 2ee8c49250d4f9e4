package io.hapax.http;

import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

/** A service on Tomcat that notes which of our headers the requests have that pass its filter. */
final class Receiver implements AutoCloseable {

    private static final List<String> HEADERS =
            List.of(RunHeaders.IDEMPOTENCY_KEY, RunHeaders.FENCING_TOKEN, RunHeaders.FENCING_KEY);

    private final Tomcat tomcat = new Tomcat();
    private final BlockingQueue<Map<String, String>> passed = new LinkedBlockingQueue<>();

    Receiver(Filter filter) throws LifecycleException {
        try {
            tomcat.setBaseDir(Files.createTempDirectory("hapax-http").toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", null);
        FilterDef definition = new FilterDef();
        definition.setFilterName("fence");
        definition.setFilter(filter);
        context.addFilterDef(definition);
        FilterMap mapping = new FilterMap();
        mapping.setFilterName("fence");
        mapping.addURLPattern("/*");
        context.addFilterMap(mapping);
        Tomcat.addServlet(context, "note", new Note());
        context.addServletMapping("/*", "note");
        tomcat.start();
    }

    private final class Note extends HttpServlet {

        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) {
            passed.add(HEADERS.stream()
                    .filter(name -> request.getHeader(name) != null)
                    .collect(Collectors.toMap(Function.identity(), request::getHeader)));
        }
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + "/orders");
    }

    /** What passed since the last call. */
    List<Map<String, String>> passed() {
        List<Map<String, String>> all = new ArrayList<>();
        passed.drainTo(all);
        return all;
    }

    @Override
    public void close() throws LifecycleException {
        tomcat.stop();
        tomcat.destroy();
    }
}
