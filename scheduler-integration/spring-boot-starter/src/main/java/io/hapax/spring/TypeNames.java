package io.hapax.spring;

import org.jspecify.annotations.Nullable;

/** Recognises classes of libraries that the application may not have. */
final class TypeNames {

    private TypeNames() {}

    /** Whether a class is the named one, or extends it. */
    static boolean isA(@Nullable Class<?> type, String name) {
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            if (each.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }
}
