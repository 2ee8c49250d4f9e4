package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Finding;
import io.hapax.lease.LeaseStoreException;
import java.util.List;
import org.junit.jupiter.api.Test;

class VotesTest {

    private static Throwable away(String server, String problem, String remedy) {
        return new LeaseStoreException(Finding.error(server + ": " + problem, remedy));
    }

    @Test
    void the_trouble_of_every_server_is_told_and_each_remedy_once() {
        List<Throwable> failures = List.of(
                away("a", "connection refused", "Is it running there?"),
                away("b", "connection refused", "Is it running there?"),
                away("c", "its memory is full", "Raise maxmemory"),
                new LeaseStoreException("d gave no answer"));
        Finding told = new Votes<>(List.of(1), failures, 0)
                .trouble("only 1 of 5 servers have answered, a majority is needed", "Try again")
                .finding();
        assertThat(told.problem())
                .isEqualTo("only 1 of 5 servers have answered, a majority is needed. Trouble: a: connection refused;"
                        + " b: connection refused; c: its memory is full; d gave no answer");
        assertThat(told.remedy()).isEqualTo("Try again. Is it running there? Raise maxmemory");
    }

    @Test
    void without_trouble_the_problem_is_told_alone() {
        assertThat(new Votes<>(List.of(1), List.of(), 0).trouble("too few granted it"))
                .hasMessage("too few granted it");
    }
}
