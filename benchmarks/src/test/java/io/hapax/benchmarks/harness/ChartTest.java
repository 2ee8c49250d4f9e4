package io.hapax.benchmarks.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class ChartTest {

    private static final Pattern POINT = Pattern.compile("<circle cx='([\\d.]+)' cy='([\\d.]+)'.*?<title>(.*?),");

    private static String chart() {
        Chart chart = new Chart("Time", "callers");
        chart.line("one", Map.of(1, 10.0, 64, 100.0));
        chart.line("other", Map.of(1, 1000.0, 4, Double.NaN, 64, 99.0));
        chart.line("missing", Map.of(1, Double.NaN));
        return chart.svg();
    }

    @Test
    void a_chart_is_a_picture_with_a_point_for_each_number() throws Exception {
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(chart())));
        assertThat(POINT.matcher(chart()).results()).hasSize(4);
        assertThat(chart()).contains(">one<", ">other<").doesNotContain("NaN", "missing");
    }

    @Test
    void more_is_higher_and_further_is_to_the_right() {
        List<double[]> points = new ArrayList<>();
        Matcher matcher = POINT.matcher(chart());
        while (matcher.find()) {
            if (matcher.group(3).equals("one")) {
                points.add(new double[] {Double.parseDouble(matcher.group(1)), Double.parseDouble(matcher.group(2))});
            }
        }
        assertThat(points.get(1)[0]).isGreaterThan(points.get(0)[0]);
        assertThat(points.get(1)[1]).isLessThan(points.get(0)[1]);
    }
}
