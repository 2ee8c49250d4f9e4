package io.hapax.spring;

import java.lang.reflect.Proxy;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.util.ClassUtils;

/**
 * What a scheduler fires. Spring's tasks tell no more of it than their text. Immutable.
 *
 * @param type the class that declares the method, or that of the bean's proxy; null for what a {@code SchedulingConfigurer} has added
 *     and is not known to be one method
 * @param method the method's name
 */
record FiredTask(@Nullable Class<?> type, String method) {

    private static final Pattern METHOD = Pattern.compile("([\\p{L}\\p{N}_.$]+)\\.([\\p{L}\\p{N}_$]+)");

    static FiredTask of(Runnable task, @Nullable ClassLoader classes) {
        Matcher text = METHOD.matcher(String.valueOf(task));
        if (text.matches()) {
            try {
                return new FiredTask(
                        ClassUtils.getUserClass(ClassUtils.forName(text.group(1), classes)), text.group(2));
            } catch (ClassNotFoundException | LinkageError noClass) {
                return new FiredTask(null, "");
            }
        }
        return new FiredTask(null, "");
    }

    /**
     * Whether a guarded method is what is fired. Of what a configurer has added it is the first that is called without arguments;
     * other methods, which an unguarded one calls, are what they are anywhere else.
     */
    boolean is(BeanMethod guarded) {
        if (SuspendFunction.arguments(guarded.method()) > 0) {
            return false;
        }
        return type == null
                || (method.equals(guarded.method().getName())
                        && (type.isAssignableFrom(guarded.type()) || Proxy.isProxyClass(type)));
    }
}
