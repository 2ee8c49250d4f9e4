package io.hapax.spring;

import io.hapax.Setting;
import java.beans.PropertyDescriptor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeanUtils;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Names the setting that a misspelt one is most like: one that nothing reads would leave jobs guarded otherwise than was meant. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class UnknownSettingAnalyzer extends AbstractFailureAnalyzer<UnboundConfigurationPropertiesException> {

    private static final String PREFIX = "hapax";

    @Override
    protected @Nullable FailureAnalysis analyze(Throwable root, UnboundConfigurationPropertiesException cause) {
        List<ConfigurationProperty> unknown = cause.getUnboundProperties().stream()
                .filter(property -> property.getName().toString().startsWith(PREFIX + "."))
                .toList();
        if (unknown.isEmpty()) {
            // Somebody else's.
            return null;
        }
        List<String> known = new ArrayList<>();
        addNames(PREFIX, HapaxProperties.class, known);
        Setting.ALL.forEach(setting -> known.add(PREFIX + ".defaults." + dashed(setting.name())));
        String which = unknown.stream().map(UnknownSettingAnalyzer::described).collect(Collectors.joining("; "));
        String instead = unknown.stream()
                .map(property -> nearest(property.getName().toString(), known))
                .distinct()
                .collect(Collectors.joining(", "));
        return new FailureAnalysis(
                "Hapax cannot guard this application. There is no setting " + which,
                "Write " + instead + ", or remove it. All settings: " + String.join(", ", known),
                cause);
    }

    private static String described(ConfigurationProperty property) {
        return property.getName() + (property.getOrigin() == null ? "" : " (" + property.getOrigin() + ")");
    }

    private static void addNames(String prefix, Class<?> type, List<String> names) {
        for (PropertyDescriptor property : BeanUtils.getPropertyDescriptors(type)) {
            String name = prefix + "." + dashed(property.getName());
            Class<?> of = property.getPropertyType();
            if (of != null && of.getEnclosingClass() == HapaxProperties.class) {
                addNames(name, of, names);
            } else if (property.getWriteMethod() != null && !name.equals(PREFIX + ".defaults")) {
                names.add(name);
            }
        }
    }

    private static String dashed(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    /** One whose last part is the same is meant before one that needs fewer changes. */
    private static String nearest(String name, List<String> known) {
        return known.stream()
                .min(Comparator.comparing((String each) -> !lastPart(each).equals(lastPart(name)))
                        .thenComparing(each -> distance(each, name)))
                .orElseThrow();
    }

    private static String lastPart(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /** How many letters are to be added, removed or changed (Levenshtein). */
    private static int distance(String one, String other) {
        int[] before = new int[other.length() + 1];
        for (int j = 0; j <= other.length(); j++) {
            before[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int[] now = new int[other.length() + 1];
            now[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                int changed = before[j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                now[j] = Math.min(changed, Math.min(before[j], now[j - 1]) + 1);
            }
            before = now;
        }
        return before[other.length()];
    }
}
