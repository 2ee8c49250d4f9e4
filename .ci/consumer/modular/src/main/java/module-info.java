/** An application that finds Hapax by the names of its modules. */
module shop {
    requires io.hapax.api;
    requires io.hapax.core;
    requires io.hapax.quartz;
    requires io.hapax.redis;
    requires io.hapax.testkit;
}
