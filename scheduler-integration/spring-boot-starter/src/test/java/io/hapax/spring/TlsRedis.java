package io.hapax.spring;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.TestCertificates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** A redis-server that also listens with TLS. */
record TlsRedis(EmbeddedRedis server, int tlsPort) implements AutoCloseable {

    private static final int START_ATTEMPTS = 5;

    /** A port that was free may be taken before the server has it; {@link EmbeddedRedis#start} sees to its first one only. */
    static TlsRedis start(TestCertificates files) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return startOnFreePort(files);
            } catch (IllegalStateException e) {
                if (attempt == START_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private static TlsRedis startOnFreePort(TestCertificates files) throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        EmbeddedRedis server = EmbeddedRedis.start(
                "--tls-port",
                String.valueOf(port),
                "--tls-auth-clients",
                "no",
                "--tls-cert-file",
                files.certificateFile().toString(),
                "--tls-key-file",
                files.keyFile().toString(),
                "--tls-ca-cert-file",
                files.authorityFile().toString());
        return new TlsRedis(server, port);
    }

    @Override
    public void close() {
        server.close();
    }
}
