package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import java.util.List;
import org.jobrunr.jobs.details.JobDetailsGenerator;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.utils.reflection.ReflectionUtils;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/**
 * Guards every JobRunr server of the application before it starts, and keeps jobs unique in the queue where they are put into
 * it, by schedulers that take the place of JobRunr's own.
 */
@AutoConfiguration(
        after = HapaxAutoConfiguration.class,
        beforeName = "org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration",
        afterName = {
            "org.jobrunr.spring.autoconfigure.storage.JobRunrSqlStorageAutoConfiguration",
            "org.jobrunr.spring.autoconfigure.storage.JobRunrInMemoryStorageAutoConfiguration"
        })
@ConditionalOnClass(BackgroundJobServer.class)
@ConditionalOnProperty(name = "hapax.enabled", matchIfMissing = true)
public class HapaxJobRunrAutoConfiguration {

    private static final String INSTALLED = "hapaxJobRunrGuard";

    /** Created by Spring. */
    public HapaxJobRunrAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(StorageProvider.class)
    @ConditionalOnProperty(name = "jobrunr.job-scheduler.enabled", matchIfMissing = true)
    JobScheduler jobScheduler(
            StorageProvider storage, @Value("${jobrunr.job-scheduler.job-details-generator:}") String generator) {
        StorageProvider unique = JobRunrGuard.uniqueInQueue(storage);
        if (generator.isBlank()) {
            return new JobScheduler(unique, List.of());
        }
        JobDetailsGenerator details = ReflectionUtils.newInstance(generator);
        return new JobScheduler(unique, details, List.of());
    }

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(StorageProvider.class)
    @ConditionalOnProperty(name = "jobrunr.job-scheduler.enabled", matchIfMissing = true)
    JobRequestScheduler jobRequestScheduler(StorageProvider storage) {
        return new JobRequestScheduler(JobRunrGuard.uniqueInQueue(storage), List.of());
    }

    /** When the servers have ended. */
    @Bean(INSTALLED)
    DisposableBean hapaxJobRunrGuard(JobGuard guard) {
        return () -> JobRunrGuard.uninstall(guard);
    }

    @Bean
    static BeanPostProcessor hapaxJobRunrServers(
            ConfigurableListableBeanFactory beans, ObjectProvider<JobGuard> guard) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                if (bean instanceof BackgroundJobServer server) {
                    JobRunrGuard.install(server, guard.getObject());
                    beans.registerDependentBean(HapaxAutoConfiguration.SHUTDOWN, name);
                    beans.registerDependentBean(INSTALLED, name);
                } else if (bean instanceof JobScheduler || bean instanceof JobRequestScheduler) {
                    // A process that only enqueues jobs needs no server of its own.
                    JobRunrGuard.install(guard.getObject());
                }
                return bean;
            }
        };
    }
}
