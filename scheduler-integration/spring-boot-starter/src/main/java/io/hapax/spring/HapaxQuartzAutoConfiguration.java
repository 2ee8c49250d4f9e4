package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.quartz.HapaxPlugin;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.quartz.SchedulerFactoryBean;

/** Guards every Quartz scheduler of the application before it starts. */
@AutoConfiguration(after = HapaxAutoConfiguration.class)
@ConditionalOnClass({Scheduler.class, SchedulerFactoryBean.class})
@ConditionalOnProperty(name = "hapax.enabled", matchIfMissing = true)
public class HapaxQuartzAutoConfiguration {

    /** Created by Spring. */
    public HapaxQuartzAutoConfiguration() {}

    @Bean
    static BeanPostProcessor hapaxQuartzSchedulers(
            ConfigurableListableBeanFactory beans, ObjectProvider<JobGuard> guard) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                if (bean instanceof SchedulerFactoryBean factory) {
                    install(factory.getScheduler(), name, beans, guard.getObject());
                } else if (bean instanceof Scheduler scheduler) {
                    install(scheduler, name, beans, guard.getObject());
                }
                return bean;
            }
        };
    }

    private static void install(
            Scheduler scheduler, String name, ConfigurableListableBeanFactory beans, JobGuard guard) {
        try {
            if (HapaxPlugin.guards(scheduler)) {
                return;
            }
            HapaxPlugin.install(scheduler, guard);
            beans.registerDependentBean(HapaxAutoConfiguration.SHUTDOWN, name);
        } catch (SchedulerException wrong) {
            throw new InvalidSettingException(
                    "scheduler bean '" + name + "'",
                    String.valueOf(wrong.getMessage()),
                    "Change the scheduler as the message says, or set hapax.enabled=false",
                    wrong);
        }
    }
}
