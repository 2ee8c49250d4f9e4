package io.hapax.quartz;

import io.hapax.policy.KeyTemplate;
import io.hapax.testkit.KeyContract;
import org.quartz.JobDataMap;

class QuartzKeyTest extends KeyContract {

    @Override
    protected String key(String template, Object... values) {
        JobDataMap data = new JobDataMap();
        String text = template;
        for (int n = 0; n < values.length; n++) {
            data.put("v" + n, values[n]);
            text = text.replace("{" + n + "}", "%{v" + n + "}");
        }
        return KeyTemplate.parse(text, JobDataValues.SYNTAX).fill(new JobDataValues(data));
    }

    @Override
    protected String foreignPlaceholder() {
        return "%0";
    }

    @Override
    protected String wayOut() {
        return "Use %{name} for an entry of the job data";
    }
}
