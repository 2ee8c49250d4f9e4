package io.hapax.examples.quarkus;

import io.hapax.Guarded;
import jakarta.enterprise.inject.build.compatible.spi.BuildCompatibleExtension;
import jakarta.enterprise.inject.build.compatible.spi.Discovery;
import jakarta.enterprise.inject.build.compatible.spi.MetaAnnotations;
import jakarta.enterprise.util.Nonbinding;

/** Makes {@link Guarded} an interceptor binding when the application is built, as any CDI 4 container does. */
public class GuardedBinding implements BuildCompatibleExtension {

    /** Created by the container. */
    public GuardedBinding() {}

    /**
     * One interceptor is for all values of the annotation.
     *
     * @param annotations those of the container
     */
    // snippet:quarkus-binding
    @Discovery
    public void add(MetaAnnotations annotations) {
        annotations
                .addInterceptorBinding(Guarded.class)
                .methods()
                .forEach(attribute -> attribute.addAnnotation(Nonbinding.class));
    }
    // end
}
