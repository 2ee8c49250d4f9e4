package io.hapax.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A certificate authority and the certificate of a server, made for one test by the keytool of this JDK and valid for some
 * days, for servers that speak TLS. Files only their owner can read. Immutable.
 */
public final class TestCertificates implements AutoCloseable {

    /** The password of {@link #trustStore()}. */
    public static final String PASSWORD = "changeit";

    private static final String AUTHORITY = "authority";
    private static final String SERVER = "server";

    private final Path folder;

    private TestCertificates(Path folder) {
        this.folder = folder;
    }

    /**
     * Makes an authority and a certificate that it signs.
     *
     * @param names for whom it is, as the extension SAN writes them: {@code dns:localhost,ip:127.0.0.1}
     * @return the certificates; the caller closes them
     * @throws IllegalStateException if the keytool fails; the message has what it says
     */
    public static TestCertificates of(String names) {
        TestCertificates made = new TestCertificates(ServerProcesses.temporaryFolder("hapax-certificates"));
        try {
            made.make(names);
            return made;
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            made.close();
            throw e instanceof RuntimeException known
                    ? known
                    : new IllegalStateException("the certificates for " + names + " could not be made", e);
        }
    }

    private void make(String names) throws IOException, GeneralSecurityException {
        keytool("-alias", AUTHORITY, "-dname", "CN=hapax test authority", "-ext", "bc:c=ca:true");
        keytool("-alias", SERVER, "-signer", AUTHORITY, "-dname", "CN=hapax test server", "-ext", "san=" + names);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve("keys.p12"))) {
            keys.load(in, PASSWORD.toCharArray());
        }
        Certificate authority = keys.getCertificate(AUTHORITY);
        Files.writeString(authorityFile(), pem("CERTIFICATE", authority.getEncoded()));
        Files.writeString(
                certificateFile(),
                pem("CERTIFICATE", keys.getCertificate(SERVER).getEncoded()));
        byte[] key = keys.getKey(SERVER, PASSWORD.toCharArray()).getEncoded();
        Files.writeString(keyFile(), pem("PRIVATE KEY", key));
        Files.setPosixFilePermissions(keyFile(), PosixFilePermissions.fromString("rw-------"));
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry(AUTHORITY, authority);
        try (OutputStream out = Files.newOutputStream(trustStore())) {
            trusted.store(out, PASSWORD.toCharArray());
        }
    }

    /**
     * Returns the authority's certificate, to be trusted by clients.
     *
     * @return a PEM file
     */
    public Path authorityFile() {
        return folder.resolve("authority.pem");
    }

    /**
     * Returns the authority's certificate as Java programs trust it.
     *
     * @return a PKCS12 file with the password {@link #PASSWORD}
     */
    public Path trustStore() {
        return folder.resolve("trusted.p12");
    }

    /**
     * Returns the server's certificate.
     *
     * @return a PEM file
     */
    public Path certificateFile() {
        return folder.resolve("server.pem");
    }

    /**
     * Returns the server's key.
     *
     * @return a PEM file that only its owner can read
     */
    public Path keyFile() {
        return folder.resolve("server.key");
    }

    /** Deletes the files. */
    @Override
    public void close() {
        ServerProcesses.delete(folder);
    }

    private static String pem(String what, byte[] content) {
        String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        return "-----BEGIN " + what + "-----\n" + lines + "\n-----END " + what + "-----\n";
    }

    private void keytool(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1",
                "-J-XX:+UseSerialGC",
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "3",
                "-storetype",
                "PKCS12",
                "-keystore",
                folder.resolve("keys.p12").toString(),
                "-storepass",
                PASSWORD));
        command.addAll(List.of(arguments));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            process.getInputStream().transferTo(said);
            if (process.waitFor() != 0) {
                throw new IllegalStateException("keytool failed: " + said.toString(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the keytool of this JDK could not be run", e);
        } catch (InterruptedException e) {
            throw ServerProcesses.interrupted(e);
        }
    }
}
