package io.hapax.policy;

import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Follows {@code .property} from a value: a record's component, a getter, a field, a map's entry, or an Optional's content. */
final class PropertyPath {

    private PropertyPath() {}

    static @Nullable Object read(Object from, String property) {
        if (from instanceof Optional<?> optional) {
            return optional.isPresent() ? read(optional.get(), property) : null;
        }
        if (from instanceof Map<?, ?> map) {
            return map.get(property);
        }
        Class<?> type = from.getClass();
        try {
            for (String name : List.of(property, "get" + capitalized(property), "is" + capitalized(property))) {
                Method accessor = accessor(type, name);
                if (accessor != null) {
                    return accessor.invoke(from);
                }
            }
            Field field = field(type, property);
            if (field != null) {
                return field.get(from);
            }
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(
                    "reading '" + property + "' of a " + type.getName() + " threw " + e.getCause(), e.getCause());
        } catch (IllegalAccessException | InaccessibleObjectException e) {
            throw new IllegalArgumentException(
                    "'" + property + "' of a " + type.getName() + " is not accessible: " + e.getMessage(), e);
        }
        throw new IllegalArgumentException(
                "a " + type.getName() + " has no record component, getter or field '" + property + "'");
    }

    private static @Nullable Method accessor(Class<?> start, String name) {
        for (Class<?> type = start; type != null && type != Object.class; type = type.getSuperclass()) {
            for (Method method : type.getDeclaredMethods()) {
                boolean fits = method.getName().equals(name)
                        && method.getParameterCount() == 0
                        && method.getReturnType() != void.class
                        && !Modifier.isStatic(method.getModifiers())
                        && !method.isBridge();
                if (fits) {
                    method.setAccessible(true);
                    return method;
                }
            }
        }
        return null;
    }

    private static @Nullable Field field(Class<?> start, String name) {
        for (Class<?> type = start; type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (field.getName().equals(name) && !Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    return field;
                }
            }
        }
        return null;
    }

    private static String capitalized(String property) {
        return Character.toUpperCase(property.charAt(0)) + property.substring(1);
    }
}
