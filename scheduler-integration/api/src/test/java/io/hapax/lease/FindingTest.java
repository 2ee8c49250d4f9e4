package io.hapax.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.ledger.LedgerException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.junit.jupiter.api.Test;

class FindingTest {

    private static final Finding FOUND = Finding.error("no. 1 is away", "Start it");

    @Test
    void what_came_to_nothing_is_told_before_the_problem_and_the_remedy_stays_apart() {
        Finding why = FOUND.asReasonWhy("the store cannot be opened");
        assertThat(why.problem()).isEqualTo("the store cannot be opened: no. 1 is away");
        assertThat(why.remedy()).isEqualTo("Start it");
        assertThat(why).hasToString("the store cannot be opened: no. 1 is away. Start it");
    }

    @Test
    void a_problem_that_nobody_knows_how_to_mend_is_told_alone_until_somebody_does() {
        assertThat(Finding.error("it is away")).hasToString("it is away");
        assertThat(Finding.error("it is away").orMendedBy("Wait")).hasToString("it is away. Wait");
        assertThat(FOUND.orMendedBy("Wait")).isEqualTo(FOUND);
    }

    @Test
    void an_exception_has_problem_and_remedy_apart_or_its_message_as_the_problem() {
        Throwable cause = new IOException("of the client");
        assertThat(new LeaseStoreException(FOUND)).hasMessage("no. 1 is away. Start it");
        assertThat(new LeaseStoreException(FOUND, cause).finding()).isEqualTo(FOUND);
        assertThat(new LeaseStoreException("no. 1 is away").finding()).isEqualTo(Finding.error("no. 1 is away"));
        assertThat(new LeaseStoreException(FOUND, cause)).hasCause(cause);
        assertThat(new LedgerException(FOUND)).hasMessage("no. 1 is away. Start it");
        assertThat(new LedgerException(FOUND, cause).finding()).isEqualTo(FOUND);
        assertThat(new LedgerException("no. 1 is away").finding()).isEqualTo(Finding.error("no. 1 is away"));
        assertThat(new LedgerException(FOUND, cause)).hasCause(cause);
    }

    @Test
    void an_exception_that_was_deserialised_tells_its_message_as_the_problem() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(new LeaseStoreException(FOUND));
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(((LeaseStoreException) in.readObject()).finding())
                    .isEqualTo(Finding.error("no. 1 is away. Start it"));
        }
    }
}
