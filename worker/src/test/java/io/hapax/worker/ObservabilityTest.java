package io.hapax.worker;

import org.junit.jupiter.api.Test;

class ObservabilityTest {
    @Test
    void x() throws Exception {
        java.nio.file.Files.writeString(
                java.nio.file.Path.of("/tmp/scrape.txt"), Scrape.ofEverything().text());
        System.out.println(Scrape.ofEverything().names());
    }
}
