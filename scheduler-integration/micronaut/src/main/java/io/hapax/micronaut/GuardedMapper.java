package io.hapax.micronaut;

import io.micronaut.aop.Around;
import io.micronaut.context.annotation.Executable;
import io.micronaut.core.annotation.AnnotationValue;
import io.micronaut.inject.annotation.NamedAnnotationMapper;
import io.micronaut.inject.visitor.VisitorContext;
import java.lang.annotation.Annotation;
import java.util.List;

/**
 * Makes {@link io.hapax.Guarded} around advice when an application is compiled: this module has to be on the path of annotation
 * processors, too.
 */
public final class GuardedMapper implements NamedAnnotationMapper {

    static final String GUARDED = "io.hapax.Guarded";

    /** Created by the compiler. */
    public GuardedMapper() {}

    @Override
    public String getName() {
        return GUARDED;
    }

    @Override
    public List<AnnotationValue<?>> map(AnnotationValue<Annotation> annotation, VisitorContext visitorContext) {
        return List.of(AnnotationValue.builder(annotation)
                .stereotype(AnnotationValue.builder(Around.class).build())
                .stereotype(AnnotationValue.builder(Executable.class).build())
                .build());
    }
}
