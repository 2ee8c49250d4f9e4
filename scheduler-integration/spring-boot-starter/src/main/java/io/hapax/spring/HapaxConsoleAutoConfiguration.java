package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.console.Console;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import jakarta.servlet.http.HttpServlet;
import java.util.regex.Pattern;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The console: this process reports to it, and serves the page if it is a web application with servlets. */
@AutoConfiguration(after = HapaxAutoConfiguration.class)
@ConditionalOnClass({Console.class, HttpServlet.class})
@ConditionalOnProperty("hapax.console.enabled")
@ConditionalOnBean({LeaseStore.class, JobGuard.class})
public class HapaxConsoleAutoConfiguration {

    private static final Pattern PATH = Pattern.compile("(/[A-Za-z0-9._~-]+)+");

    /** Created by Spring. */
    public HapaxConsoleAutoConfiguration() {}

    /** Reports as long as the guard works. The guard receives it as one of the {@code GuardListener} beans. */
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    Console hapaxConsole(HapaxProperties settings, LeaseStore store, ObjectProvider<RunLedger> ledger) {
        return StoreOpening.check("hapax.console", () -> {
            Console.Builder builder =
                    Console.builder(store).proxies(settings.getConsole().getProxies());
            RunLedger runs = ledger.getIfUnique();
            builder = runs == null ? builder : builder.ledger(runs);
            String credential = settings.getConsole().getCredential();
            return (credential == null || credential.isEmpty() ? builder : builder.credential(credential)).build();
        });
    }

    @Bean
    Reporting hapaxConsoleReporting(Console console, JobGuard guard) {
        console.start(guard);
        return new Reporting(console);
    }

    /** Ends the streams of those who watch before the web server waits for its last requests; reports go on meanwhile. */
    static final class Reporting implements SmartLifecycle {

        private final Console console;
        private volatile boolean running = true;

        Reporting(Console console) {
            this.console = console;
        }

        @Override
        public void start() {}

        @Override
        public void stop() {
            running = false;
            console.stopServing();
        }

        @Override
        public boolean isRunning() {
            return running;
        }

        @Override
        public boolean isPauseable() {
            return false;
        }
    }

    /** The page. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(ServletRegistrationBean.class)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
    static class Page {

        @Bean
        ServletRegistrationBean<HttpServlet> hapaxConsolePage(
                HapaxProperties settings, Console console, Reporting started) {
            String path = settings.getConsole().getPath();
            if (!PATH.matcher(path).matches()) {
                throw new InvalidSettingException(
                        "hapax.console.path",
                        "'" + path + "' is no path for the console",
                        "Set one such as /hapax, of letters, digits, '.', '_', '~' and '-', without a slash at its end",
                        null);
            }
            ServletRegistrationBean<HttpServlet> page = new ServletRegistrationBean<>(console.servlet(), path + "/*");
            page.setName("hapaxConsole");
            page.setAsyncSupported(true);
            return page;
        }
    }
}
