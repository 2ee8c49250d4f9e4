package io.hapax.benchmarks.handover;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** One of the two processes that hand a key to each other, as its standard input says. */
final class HandOverVariant {

    private static final String KEY = "handover:job";

    private HandOverVariant() {}

    /** Arguments: variant, address. Lines of standard input: cycles n · take · give. Each is answered by an instant. */
    public static void main(String[] args) throws Exception {
        try (BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            Contender contender = Contender.of(args[0], args[1]);
            System.out.println("ready");
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                System.out.println(obey(contender, order));
            }
        } catch (Exception | Error failure) {
            failure.printStackTrace();
            System.exit(1);
        }
        // Clients have threads that would keep the process.
        System.exit(0);
    }

    private static long obey(Contender contender, String order) throws InterruptedException {
        if (order.equals("take")) {
            contender.take(KEY);
            return System.nanoTime();
        }
        if (order.equals("give")) {
            long begun = System.nanoTime();
            contender.giveBack();
            return begun;
        }
        long own = ProcessHandle.current().pid();
        int cycles = Integer.parseInt(order.substring("cycles ".length()));
        for (int n = 0; n < cycles; n++) {
            contender.cycle("handover:warm-up-" + own + "-" + n % 100);
        }
        return System.nanoTime();
    }
}
