package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneId;
import java.util.Date;
import java.util.TimeZone;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.quartz.CronScheduleBuilder;
import org.quartz.CronTrigger;
import org.quartz.TriggerBuilder;

class CronSlotTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    0 0/5 * * * ?         | UTC           | 2026-11-23T10:05:00Z     | 2026-11-23T10:05:00Z
                    0 0/5 * * * ?         | UTC           | 2026-11-23T10:05:00.001Z | 2026-11-23T10:05:00Z
                    0 0/5 * * * ?         | UTC           | 2026-11-23T10:09:59.999Z | 2026-11-23T10:05:00Z
                    * * * * * ?           | UTC           | 2026-11-23T10:09:59.999Z | 2026-11-23T10:09:59Z
                    * * 9-16 * * ?        | UTC           | 2026-11-23T03:00:00.123Z | 2026-11-22T16:59:59Z
                    0 30 2 * * ?          | Europe/Berlin | 2026-11-23T10:00:00.5Z   | 2026-11-23T01:30:00Z
                    0 0 0 1 1 ?           | UTC           | 2026-11-23T10:00:00.5Z   | 2026-01-01T00:00:00Z
                    0 0 0 29 2 ?          | UTC           | 2026-11-23T10:00:00.5Z   | 2024-02-29T00:00:00Z
                    0 0 0 ? * 2#1         | UTC           | 2026-11-23T10:00:00.5Z   | 2026-11-02T00:00:00Z
                    """)
    void a_fire_time_belongs_to_the_last_time_of_the_schedule(
            String expression, String zone, Instant fireTime, Instant slot) {
        CronTrigger trigger = TriggerBuilder.newTrigger()
                .withSchedule(
                        CronScheduleBuilder.cronSchedule(expression).inTimeZone(TimeZone.getTimeZone(ZoneId.of(zone))))
                .build();
        assertThat(CronSlot.atOrBefore(trigger, Date.from(fireTime))).isEqualTo(Date.from(slot));
    }
}
