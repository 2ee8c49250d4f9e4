package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.benchmarks.harness.Background;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Between a real client and a server that says back what it hears. */
class TcpProxyTest {

    private static final int SHORT = 150;
    private static final int LONG = 30_000;

    private final Queue<Integer> heard = new ConcurrentLinkedQueue<>();
    private ServerSocket echo;
    private TcpProxy proxy;

    @BeforeEach
    void start() throws IOException {
        echo = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        Thread serving = new Thread(this::serve);
        serving.setDaemon(true);
        serving.start();
        proxy = TcpProxy.to(echo.getLocalPort());
    }

    @AfterEach
    void stop() throws IOException {
        proxy.close();
        echo.close();
    }

    private void serve() {
        while (!echo.isClosed()) {
            try {
                Socket socket = echo.accept();
                Background.run("echo", () -> answer(socket));
            } catch (IOException closed) {
                continue;
            }
        }
    }

    private void answer(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                heard.add(b);
                out.write(b);
            }
        } catch (IOException closed) {
            // Its client has gone.
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        socket.setSoTimeout(LONG);
        return socket;
    }

    private static int ask(Socket socket, int b) throws IOException {
        socket.getOutputStream().write(b);
        return socket.getInputStream().read();
    }

    @Test
    void bytes_pass_in_both_directions() throws IOException {
        try (Socket client = connect()) {
            assertThat(ask(client, 7)).isEqualTo(7);
            assertThat(ask(client, 8)).isEqualTo(8);
        }
    }

    @Test
    void a_cut_resets_what_is_open_and_what_comes_and_can_be_healed() throws IOException {
        try (Socket client = connect()) {
            assertThat(ask(client, 7)).isEqualTo(7);
            proxy.set(TcpProxy.Mode.CUT);
            assertThatThrownBy(() -> {
                        if (ask(client, 8) < 0) {
                            throw new IOException("ended");
                        }
                    })
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> {
                        try (Socket late = connect()) {
                            if (ask(late, 9) < 0) {
                                throw new IOException("ended");
                            }
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
        proxy.set(TcpProxy.Mode.PASS);
        try (Socket client = connect()) {
            assertThat(ask(client, 7)).isEqualTo(7);
        }
    }

    @Test
    void new_connections_go_where_it_leads_to() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            proxy.leadTo(other.getLocalPort());
            try (Socket client = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
                    Socket there = other.accept()) {
                client.getOutputStream().write(7);
                assertThat(there.getInputStream().read()).isEqualTo(7);
            }
        }
    }

    @Test
    void what_is_held_up_arrives_later() throws IOException {
        for (TcpProxy.Mode mode :
                new TcpProxy.Mode[] {TcpProxy.Mode.HOLD_REQUESTS, TcpProxy.Mode.HOLD_ANSWERS, TcpProxy.Mode.HOLD_BOTH
                }) {
            try (Socket client = connect()) {
                assertThat(ask(client, 7)).isEqualTo(7);
                proxy.set(mode);
                client.setSoTimeout(SHORT);
                assertThatThrownBy(() -> ask(client, 8)).as("%s", mode).isInstanceOf(SocketTimeoutException.class);
                proxy.set(TcpProxy.Mode.PASS);
                client.setSoTimeout(LONG);
                assertThat(client.getInputStream().read()).as("%s", mode).isEqualTo(8);
            }
        }
    }

    @Test
    void one_connection_stalls_the_others_pass_and_what_it_held_arrives_though_its_client_has_given_up()
            throws Exception {
        try (Socket other = connect()) {
            assertThat(ask(other, 1)).isEqualTo(1);
            try (Socket client = connect()) {
                assertThat(ask(client, 7)).isEqualTo(7);
                proxy.set(TcpProxy.Mode.HOLD_ONE);
                client.getOutputStream().write(8);
                Awaitility.await().until(proxy::stallsOne);
                client.setSoTimeout(SHORT);
                assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
                assertThat(ask(other, 2)).isEqualTo(2);
            }
            assertThat(heard).doesNotContain(8);
            proxy.set(TcpProxy.Mode.PASS);
            Awaitility.await().untilAsserted(() -> assertThat(heard).contains(8));
            assertThat(ask(other, 3)).isEqualTo(3);
        }
    }

    @Test
    void a_delay_counts_in_each_direction() throws IOException {
        try (Socket client = connect()) {
            assertThat(ask(client, 7)).isEqualTo(7);
            proxy.delay(100);
            long start = System.nanoTime();
            assertThat(ask(client, 8)).isEqualTo(8);
            assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)).isGreaterThanOrEqualTo(200);
        }
    }
}
