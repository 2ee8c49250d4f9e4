package io.hapax.spring;

import io.hapax.policy.KeyPath;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * A method of a bean. Immutable.
 *
 * @param bean the bean's name
 * @param type the bean's class
 * @param method the method
 */
record BeanMethod(String bean, Class<?> type, Method method) {

    /** A run key has 512 bytes. */
    private static final int MOST_BEFORE_TIME = 400;

    /** For messages: without the names of the enclosing classes, which would hide it. */
    String shown() {
        return type.getSimpleName() + "." + method.getName();
    }

    /**
     * The lock key of a method that names none. It names everything that tells the method from others, so that a second bean,
     * another package or an overloaded method never changes the key of a live fleet; nor does it change when a function becomes one
     * that can be suspended.
     */
    String key() {
        return KeyPath.bounded(path());
    }

    /** The run key of a planned firing of the method. */
    String occurrence(String name) {
        return KeyPath.bounded(path(), MOST_BEFORE_TIME) + "@" + name;
    }

    private String path() {
        String parameters = Arrays.stream(method.getParameterTypes())
                .limit(SuspendFunction.arguments(method))
                .map(Class::getTypeName)
                .collect(Collectors.joining(","));
        return KeyPath.of(bean, type.getName() + "." + method.getName() + "(" + parameters + ")");
    }
}
