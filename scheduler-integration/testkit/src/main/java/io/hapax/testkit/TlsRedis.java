package io.hapax.testkit;

/**
 * A redis-server that also listens with TLS.
 *
 * @param server the server, which is closed with this
 * @param tlsPort where it speaks TLS
 */
public record TlsRedis(EmbeddedRedis server, int tlsPort) implements AutoCloseable {

    /**
     * Starts one.
     *
     * @param files its certificate
     * @return the server
     * @throws IllegalStateException if it does not start; the message has "Bad directive" if it was built without TLS
     */
    public static TlsRedis start(TestCertificates files) {
        int port = FreePort.next();
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
