package io.hapax.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

@Tag("slow")
class PaymentsTest {

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void a_payment_is_booked_once_and_charged_once() throws Exception {
        Payments.Outcome outcome = Payments.run();
        assertThat(outcome.frozen()).startsWith("rolled back: ");
        assertThat(outcome.bookings()).isEqualTo(1);
        assertThat(outcome.calls()).isEqualTo(2);
        assertThat(outcome.charges()).isEqualTo(1);
    }
}
