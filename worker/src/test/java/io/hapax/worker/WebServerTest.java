package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.hapax.testkit.FreePort;
import io.hapax.worker.WorkerSettings.Web;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WebServerTest {

    private static final HttpServlet PAGE = new HttpServlet() {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            if (request.getPathInfo().equals("/broken")) {
                throw new IllegalStateException("secret of the inside");
            }
            response.getWriter().print("page " + request.getPathInfo());
        }
    };

    private final int port = FreePort.next();

    @BeforeAll
    static void logByOneSystem() {
        WorkerCommand.logByOneSystem();
    }

    private WebServer start(String bind) {
        return WebServer.start(new Web(port, bind, null), Map.of("/page/*", PAGE), "/page/home");
    }

    private HttpResponse<String> get(String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void pages_are_served_and_the_root_leads_to_one() throws Exception {
        try (WebServer server = start("127.0.0.1")) {
            assertThat(get("/page/one").body()).isEqualTo("page /one");
            assertThat(get("/").statusCode()).isEqualTo(302);
            assertThat(get("/").headers().firstValue("Location")).hasValue("/page/home");
        }
    }

    @Test
    void neither_error_pages_nor_headers_tell_what_is_inside() throws Exception {
        try (WebServer server = start("127.0.0.1")) {
            for (HttpResponse<String> answer : List.of(get("/absent"), get("/page/broken"))) {
                assertThat(answer.statusCode()).isIn(404, 500);
                assertThat(answer.headers().map()).doesNotContainKeys("Server", "X-Powered-By");
                assertThat(answer.body()).doesNotContainIgnoringCase("tomcat", "apache", "secret", "exception", "/11.");
            }
        }
    }

    @Test
    void a_port_that_is_taken_is_told_with_what_to_do_and_leaves_nothing_behind() throws IOException {
        long folders = folders();
        try (ServerSocket taken = new ServerSocket(port)) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> start("0.0.0.0"))
                    .withMessage("port " + port + " of 0.0.0.0 cannot be used for /health, /metrics and /console/: "
                            + "Address already in use. Choose another one by --http-port or HTTP_PORT");
        }
        assertThat(folders()).isEqualTo(folders);
    }

    @Test
    void an_interface_that_does_not_exist_is_told_and_does_not_open_all() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> start("no-such-host.invalid"))
                .withMessageContaining("must be an address of this machine")
                .withMessageContaining("was 'no-such-host.invalid'");
    }

    @Test
    void no_folder_is_left_when_it_is_closed() throws Exception {
        long before = folders();
        try (WebServer server = start("127.0.0.1")) {
            assertThat(folders()).isEqualTo(before + 1);
        }
        assertThat(folders()).isEqualTo(before);
    }

    @Test
    void a_worker_that_starts_or_ends_is_not_healthy_and_its_name_breaks_nothing() throws Exception {
        AtomicBoolean atWork = new AtomicBoolean();
        HealthServlet health = new HealthServlet("a\"b\n", atWork::get, null);
        try (WebServer server =
                WebServer.start(new Web(port, "127.0.0.1", null), Map.of("/health", health), "/health")) {
            assertThat(get("/health").statusCode()).isEqualTo(503);
            assertThat(get("/health").body()).isEqualTo("{\"status\":\"DOWN\",\"worker\":\"a_b_\",\"activeRuns\":0}\n");
            atWork.set(true);
            assertThat(get("/health").statusCode()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1,true", "localhost,true", "::1,true", "0.0.0.0,false", "::,false"})
    void only_loopback_interfaces_keep_other_machines_out(String bind, boolean loopback) {
        assertThat(WebServer.isLoopback(bind)).isEqualTo(loopback);
    }

    private static long folders() throws IOException {
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return all.filter(each -> each.getFileName().toString().startsWith(WebServer.folderPrefix()))
                    .count();
        }
    }
}
