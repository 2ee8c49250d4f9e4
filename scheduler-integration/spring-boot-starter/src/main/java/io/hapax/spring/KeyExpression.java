package io.hapax.spring;

import java.lang.reflect.Method;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.context.expression.MethodBasedEvaluationContext;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.ParameterNameDiscoverer;
import org.springframework.expression.Expression;
import org.springframework.expression.ExpressionException;
import org.springframework.expression.common.CompositeStringExpression;
import org.springframework.expression.common.LiteralExpression;
import org.springframework.expression.common.TemplateParserContext;
import org.springframework.expression.spel.standard.SpelExpressionParser;

/**
 * A key of a bean method. Plain text with <code>#{…}</code> for SpEL, in which {@code #name}, {@code #a0} and {@code #p0} are
 * arguments and the bean is the root object; {@code %0} and {@code %0.customer.id} for arguments and {@code %X{tenant}} for the
 * MDC, as in JobRunr jobs; <code>${…}</code> is resolved before.
 */
final class KeyExpression {

    private static final SpelExpressionParser PARSER = new SpelExpressionParser();
    private static final ParameterNameDiscoverer NAMES = new DefaultParameterNameDiscoverer();
    private static final Pattern PLACEHOLDER =
            Pattern.compile("#\\{[^}]*}|%%|%X\\{([^}]+)}|%(\\d+)((?:\\.[\\p{L}_$][\\p{L}\\p{N}_$]*)*)");

    private final String text;
    private final Expression expression;

    private KeyExpression(String text, Expression expression) {
        this.text = text;
        this.expression = expression;
    }

    /**
     * Parses a key.
     *
     * @throws IllegalArgumentException if it cannot be parsed; the message says what is allowed
     */
    static KeyExpression parse(String text, int arguments) {
        Matcher matcher = PLACEHOLDER.matcher(text);
        StringBuilder spel = new StringBuilder();
        while (matcher.find()) {
            matcher.appendReplacement(spel, Matcher.quoteReplacement(asSpel(matcher, text, arguments)));
        }
        matcher.appendTail(spel);
        try {
            return new KeyExpression(text, PARSER.parseExpression(spel.toString(), new TemplateParserContext()));
        } catch (ExpressionException wrong) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a key: " + wrong.getMessage()
                            + ". Write text with #{#argument.property}, or %0",
                    wrong);
        }
    }

    private static String asSpel(Matcher found, String text, int arguments) {
        if (found.group(1) != null) {
            return "#{T(org.slf4j.MDC).get('" + found.group(1).replace("'", "''") + "')}";
        }
        if (found.group(2) != null) {
            int index = found.group(2).length() > 4 ? Integer.MAX_VALUE : Integer.parseInt(found.group(2));
            if (index >= arguments) {
                throw new IllegalArgumentException("'" + text + "' is not a key: " + found.group()
                        + " has no value, the method has " + arguments + " arguments, counted from %0");
            }
            return "#{#a" + found.group(2) + found.group(3) + "}";
        }
        return found.group().equals("%%") ? "%" : found.group();
    }

    /** Whether the key is the same for each call. */
    boolean isConstant() {
        return expression instanceof LiteralExpression;
    }

    /**
     * Works the key out for a call.
     *
     * @throws IllegalArgumentException if a part of it has no value
     */
    String value(@Nullable Object bean, Method method, @Nullable Object[] arguments) {
        if (isConstant()) {
            return String.valueOf(expression.getExpressionString());
        }
        Object root = bean == null ? method : bean;
        MethodBasedEvaluationContext context = new MethodBasedEvaluationContext(root, method, arguments, NAMES);
        StringBuilder key = new StringBuilder();
        for (Expression part : parts()) {
            key.append(part instanceof LiteralExpression ? part.getExpressionString() : evaluated(part, context));
        }
        return key.toString();
    }

    private Expression[] parts() {
        return expression instanceof CompositeStringExpression composite
                ? composite.getExpressions()
                : new Expression[] {expression};
    }

    private String evaluated(Expression part, MethodBasedEvaluationContext context) {
        Object value;
        try {
            value = part.getValue(context);
        } catch (ExpressionException wrong) {
            throw new IllegalArgumentException(
                    "the key '" + text + "' cannot be worked out: " + wrong.getMessage(), wrong);
        }
        if (value == null) {
            throw new IllegalArgumentException("the key '" + text + "' cannot be worked out: #{"
                    + part.getExpressionString() + "} is null, which would make different work the same");
        }
        try {
            if (value.getClass().isArray()
                    || value.getClass().getMethod("toString").getDeclaringClass() == Object.class) {
                throw new IllegalArgumentException("the key '" + text + "' cannot be worked out: "
                        + value.getClass().getTypeName()
                        + " has no text that is alike on all workers; name a property of it");
            }
        } catch (NoSuchMethodException everyObjectHasIt) {
            throw new IllegalStateException(everyObjectHasIt);
        }
        return value.toString();
    }
}
