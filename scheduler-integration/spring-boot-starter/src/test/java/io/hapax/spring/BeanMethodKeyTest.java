package io.hapax.spring;

import io.hapax.testkit.KeyContract;
import java.lang.reflect.Method;

class BeanMethodKeyTest extends KeyContract {

    static class Work {
        public void one(Object first) {}

        public void two(Object first, Object second) {}
    }

    private static Method method(int arguments) {
        try {
            return arguments == 1
                    ? Work.class.getMethod("one", Object.class)
                    : Work.class.getMethod("two", Object.class, Object.class);
        } catch (NoSuchMethodException missing) {
            throw new IllegalStateException(missing);
        }
    }

    @Override
    protected String key(String template, Object... values) {
        String text = template;
        for (int n = 0; n < values.length; n++) {
            text = text.replace("{" + n + "}", "%" + n);
        }
        return KeyExpression.parse(text, method(values.length)).value(new Work(), values);
    }

    @Override
    protected String foreignPlaceholder() {
        return "%{nobody}";
    }

    @Override
    protected String wayOut() {
        return "there are [first]";
    }
}
