package io.hapax.spring;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.TestCertificates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** A redis-server that also listens with TLS. */
record TlsRedis(EmbeddedRedis server, int tlsPort) implements AutoCloseable {

    static TlsRedis start(TestCertificates files) throws IOException {
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
