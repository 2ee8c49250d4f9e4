package io.hapax.benchmarks.adapters;

import com.sun.management.ThreadMXBean;
import io.hapax.JobGuard;
import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.cycle.SocketPeer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.quartz.SchedulerException;

/** A scheduler in a process of its own, which runs no-op jobs as its standard input says. */
final class AdapterVariant {

    private AdapterVariant() {}

    /**
     * Arguments: engine, 'plain', 'set-nx' or 'guarded', threads, address of Redis, JDBC address, user, password. Lines of standard
     * input: enqueue n · run. A run is answered by nanoseconds from the first job to the last, bytes allocated by all
     * threads, and seconds of CPU.
     */
    public static void main(String[] args) throws Exception {
        if (args[1].equals("set-nx")) {
            Runs.lockWith(SocketPeer.setNx(args[3]));
        }
        try (Engine engine = engine(args, args[1].equals("guarded") ? Guarding.guard(args[3]) : null);
                BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            System.out.println("ready");
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                System.out.println(obey(engine, order));
            }
        } catch (Exception | Error failure) {
            failure.printStackTrace();
            System.exit(1);
        }
        System.exit(0);
    }

    private static Engine engine(String[] args, @Nullable JobGuard guard)
            throws SchedulerException, SQLException, IOException {
        int threads = Integer.parseInt(args[2]);
        if (args[0].equals("quartz-ram")) {
            return QuartzEngine.inMemory(threads, guard);
        }
        if (args[0].equals("quartz-jdbc")) {
            return QuartzEngine.clustered(threads, guard, args[4], args[5], args[6]);
        }
        if (guard != null) {
            Guarding.installInJobRunr(guard);
        }
        return new JobRunrEngine(threads, args[4], args[5], args[6]);
    }

    private static String obey(Engine engine, String order) throws Exception {
        if (order.startsWith("enqueue ")) {
            int jobs = Integer.parseInt(order.substring("enqueue ".length()));
            Runs.expect(jobs);
            engine.enqueue(jobs);
            return "done";
        }
        long bytes = allocated();
        double cpu = cpu();
        engine.run();
        String cost = Runs.nanos() + " " + (allocated() - bytes) + " " + (cpu() - cpu);
        engine.rest();
        return cost;
    }

    /** Without what the compilers of the JVM take. */
    private static double cpu() {
        return ProcessCpu.ofThisProcess()
                - ProcessCpu.ofCompiler(ProcessHandle.current().pid());
    }

    /** By all threads that live; those of the schedulers and of the clients live on. */
    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }
}
