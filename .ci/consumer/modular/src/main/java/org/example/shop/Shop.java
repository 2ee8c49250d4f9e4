package org.example.shop;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;

/** Sends an invoice once, on the module path. */
public final class Shop {

    private Shop() {}

    public static void main(String[] args) throws Exception {
        for (Class<?> each : new Class<?>[] {Shop.class, JobGuard.class, RedissonLeaseStore.class, HapaxPlugin.class}) {
            if (!each.getModule().isNamed()) {
                throw new IllegalStateException(each + " is in no module");
            }
        }
        int sent = 0;
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                RedissonLeaseStore store = RedissonLeaseStore.connect(redis.url(), "shop");
                JobGuard guard = JobGuard.builder(store).build()) {
            for (int i = 0; i < 2; i++) {
                RunResult<String> result = guard.run(
                        RunRequest.lock("invoice/7").once("send-invoice/7").waitAtMost(java.time.Duration.ofSeconds(40)),
                        run -> "sent");
                sent += result.fold(ran -> 1, refusal -> 0);
            }
        }
        System.out.println(sent == 1 ? "invoice 7 was sent once" : "invoice 7 was sent " + sent + " times");
    }
}
