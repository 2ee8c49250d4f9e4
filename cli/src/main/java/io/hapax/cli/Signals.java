package io.hapax.cli;

import java.lang.reflect.Proxy;

/** Signals of the operating system. By reflection, since compilers warn of the JDK's own type, and there is no other. */
final class Signals {

    /** A signal that operators and platforms send to end a process. */
    enum Ending {
        HUP(1),
        INT(2),
        TERM(15);

        private final int number;

        Ending(int number) {
            this.number = number;
        }

        /** The exit code of a process that it has ended, as shells tell it. */
        int exitCode() {
            return 128 + number;
        }
    }

    private Signals() {}

    /** Has an action run, on a thread of its own, in place of the end of this process. */
    static void handle(Ending ending, Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object handling = Proxy.newProxyInstance(
                    handler.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            action.run();
                        }
                        return null;
                    });
            Object named = signal.getConstructor(String.class).newInstance(ending.name());
            signal.getMethod("handle", signal, handler).invoke(null, named, handling);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JVM does not hand on SIG" + ending, e);
        }
    }
}
