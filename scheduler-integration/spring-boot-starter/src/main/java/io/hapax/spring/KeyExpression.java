package io.hapax.spring;

import io.hapax.policy.KeySyntax;
import io.hapax.policy.KeyTemplate;
import io.hapax.policy.KeyTemplate.Kind;
import io.hapax.policy.KeyValues;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.context.expression.MethodBasedEvaluationContext;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.ParameterNameDiscoverer;
import org.springframework.expression.Expression;
import org.springframework.expression.ExpressionException;
import org.springframework.expression.spel.SpelNode;
import org.springframework.expression.spel.ast.VariableReference;
import org.springframework.expression.spel.standard.SpelExpression;
import org.springframework.expression.spel.standard.SpelExpressionParser;

/**
 * A key of a bean method: a {@link KeyTemplate} in which <code>#{…}</code> is SpEL, with {@code #name}, {@code #a0} and
 * {@code #p0} for arguments, and the bean as the root object. Immutable.
 *
 * @param template the key
 * @param method the method, whose parameters have names
 * @param expressions those of the template, parsed
 */
record KeyExpression(KeyTemplate template, Method method, Map<String, Expression> expressions) {

    private static final SpelExpressionParser PARSER = new SpelExpressionParser();
    private static final ParameterNameDiscoverer NAMES = new DefaultParameterNameDiscoverer();
    private static final KeySyntax SYNTAX =
            new KeySyntax("a bean method", EnumSet.allOf(Kind.class), "%0 for an argument");

    /**
     * Parses a key.
     *
     * @param text the key, without placeholders of the environment
     * @throws IllegalArgumentException if it cannot be parsed, or names what the method does not have; the message says what is
     *     allowed
     */
    static KeyExpression parse(String text, Method method) {
        KeyTemplate template = KeyTemplate.parse(text, SYNTAX);
        template.requireArguments(SuspendFunction.arguments(method));
        List<String> names = parameters(method);
        for (String name : template.named(Kind.NAME)) {
            if (!names.contains(name)) {
                throw new IllegalArgumentException("key '" + text + "': no parameter is called '" + name
                        + "'; there are " + names + (names.isEmpty() ? " (javac -parameters keeps them)" : ""));
            }
        }
        Map<String, Expression> expressions = new HashMap<>();
        for (String expression : template.named(Kind.EXPRESSION)) {
            try {
                Expression parsed = PARSER.parseExpression(expression);
                requireVariables(text, parsed, names, method);
                expressions.put(expression, parsed);
            } catch (ExpressionException wrong) {
                throw new IllegalArgumentException(
                        "key '" + text + "': #{" + expression + "} is no expression: " + wrong.getMessage()
                                + ". Write #{#argument.property}, or %0.property",
                        wrong);
            }
        }
        return new KeyExpression(template, method, Map.copyOf(expressions));
    }

    /** A name that is not there would be null at each call. */
    private static void requireVariables(String text, Expression expression, List<String> names, Method method) {
        if (!(expression instanceof SpelExpression parsed)) {
            return;
        }
        Set<String> known = new TreeSet<>(names);
        for (int i = 0; i < SuspendFunction.arguments(method); i++) {
            known.add("a" + i);
            known.add("p" + i);
        }
        for (String variable : variables(parsed.getAST())) {
            if (!known.contains(variable) && !variable.equals("this") && !variable.equals("root")) {
                throw new IllegalArgumentException("key '" + text + "': no parameter is called '" + variable
                        + "'; there are " + known
                        + (names.isEmpty() && SuspendFunction.arguments(method) > 0
                                ? " (javac -parameters keeps names)"
                                : ""));
            }
        }
    }

    private static Set<String> variables(SpelNode node) {
        Set<String> found = new TreeSet<>();
        if (node instanceof VariableReference) {
            found.add(node.toStringAST().substring(1));
        }
        for (int i = 0; i < node.getChildCount(); i++) {
            found.addAll(variables(node.getChild(i)));
        }
        return found;
    }

    private static List<String> parameters(Method method) {
        @Nullable String @Nullable [] names = NAMES.getParameterNames(method);
        return names == null
                ? List.of()
                : Arrays.stream(names)
                        .limit(SuspendFunction.arguments(method))
                        .map(String::valueOf)
                        .toList();
    }

    /** The name of a parameter, or what stands for it. */
    static String parameter(Method method, int position) {
        List<String> names = parameters(method);
        return names.size() > position ? names.get(position) : "a" + position;
    }

    /**
     * Works the key out for a call.
     *
     * @param arguments without the continuation of a suspend function
     * @throws IllegalArgumentException if a part of it has no value
     */
    String value(@Nullable Object bean, @Nullable Object[] arguments) {
        return template.fill(new Call(this, bean, Arrays.asList(arguments)));
    }

    /** The values of one call. */
    private record Call(KeyExpression key, @Nullable Object bean, List<@Nullable Object> arguments)
            implements KeyValues {

        @Override
        public @Nullable Object named(String name) {
            return arguments.get(names().indexOf(name));
        }

        @Override
        public List<String> names() {
            return parameters(key.method());
        }

        @Override
        public @Nullable Object expression(String text) {
            Object root = bean == null ? key.method() : bean;
            Expression expression = Objects.requireNonNull(key.expressions().get(text));
            // Spring leaves the last one of a suspend function away.
            @Nullable
            Object[] all = Arrays.copyOf(arguments.toArray(), key.method().getParameterCount());
            try {
                return expression.getValue(new MethodBasedEvaluationContext(root, key.method(), all, NAMES));
            } catch (ExpressionException wrong) {
                throw new IllegalArgumentException(String.valueOf(wrong.getMessage()), wrong);
            }
        }
    }
}
