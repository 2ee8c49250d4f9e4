package io.hapax.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import picocli.CommandLine;

/** The file {@code docker-compose.yml}, read as Compose reads it: merged, and with variables put in. */
record ComposeFile(Path folder, Map<String, Map<String, Object>> services, Set<String> volumes) {

    static final Path FILE = Path.of("..", "docker-compose.yml");

    private static final Pattern VARIABLE = Pattern.compile("\\$\\{(\\w+):-([^}]*)}");

    static ComposeFile read(Map<String, String> env) throws IOException {
        return of(Files.readString(FILE), env);
    }

    static ComposeFile of(String text, Map<String, String> env) {
        LoaderOptions options = new LoaderOptions();
        options.setMaxAliasesForCollections(50);
        String filled = VARIABLE.matcher(text)
                .replaceAll(found -> Matcher.quoteReplacement(env.getOrDefault(found.group(1), found.group(2))));
        Map<String, Object> all = new Yaml(options).load(filled);
        Map<String, Object> volumes = map(all.get("volumes"));
        return new ComposeFile(FILE.toAbsolutePath().getParent(), map(all.get("services")), volumes.keySet());
    }

    List<String> command(String service) {
        return list(services.get(service).get("command"));
    }

    Map<String, String> environment(String service) {
        Map<String, Object> given = map(services.get(service).getOrDefault("environment", Map.of()));
        Map<String, String> texts = new LinkedHashMap<>();
        given.forEach((name, value) -> texts.put(name, value == null ? "" : value.toString()));
        return texts;
    }

    /** The command of the health check, without the word that says that it needs no shell. */
    List<String> healthcheck(String service) {
        Map<String, Object> check = map(services.get(service).get("healthcheck"));
        List<String> test = list(check.get("test"));
        return test.subList(1, test.size());
    }

    /** What would go wrong, or be open to others, if it were started. */
    List<String> faults() {
        List<String> faults = new ArrayList<>();
        services.forEach((name, service) -> {
            mounts(name, service, faults);
            ports(name, service, faults);
            dependencies(name, service, faults);
            if (!service.containsKey("healthcheck")) {
                faults.add(name + " has no healthcheck");
            }
            String image = String.valueOf(service.get("image"));
            if (!image.matches("[a-z0-9/-]+:[a-z]*[0-9].*")) {
                faults.add(name + " takes any version: " + image);
            }
            if (name.startsWith("worker")) {
                unknownVariables(name).forEach(variable -> faults.add(name + " does not read " + variable));
            }
        });
        return faults;
    }

    private void mounts(String name, Map<String, Object> service, List<String> faults) {
        for (String mount : ComposeFile.<String>list(service.getOrDefault("volumes", List.of()))) {
            String source = mount.split(":")[0];
            boolean named = !source.startsWith(".");
            if (named && !volumes.contains(source)) {
                faults.add(name + " mounts an unknown volume: " + source);
            }
            // The jar is made by the build, after these tests.
            if (!named && !source.endsWith("/target/hapax-worker.jar") && !Files.exists(folder.resolve(source))) {
                faults.add(name + " mounts what does not exist: " + source);
            }
            if (!named && !mount.endsWith(":ro")) {
                faults.add(name + " may write to " + source);
            }
        }
    }

    private static void ports(String name, Map<String, Object> service, List<String> faults) {
        for (String port : ComposeFile.<String>list(service.getOrDefault("ports", List.of()))) {
            if (!port.matches("127\\.0\\.0\\.1:\\d+:\\d+")) {
                faults.add(name + " is open to other machines: " + port);
            }
        }
    }

    private void dependencies(String name, Map<String, Object> service, List<String> faults) {
        Map<String, Map<String, String>> needed = map(service.getOrDefault("depends_on", Map.of()));
        needed.forEach((other, how) -> {
            if (!services.containsKey(other)) {
                faults.add(name + " depends on an unknown service: " + other);
            } else if (!"service_healthy".equals(how.get("condition"))) {
                faults.add(name + " does not wait for " + other);
            }
        });
    }

    private Set<String> unknownVariables(String service) {
        Set<String> read = new HashSet<>();
        Map<String, String> environment = new HashMap<>(environment(service)) {
            private static final long serialVersionUID = 1L;

            @Override
            public String get(Object key) {
                read.add(String.valueOf(key));
                return super.get(key);
            }
        };
        WorkerCommand command = new WorkerCommand();
        new CommandLine(command).parseArgs();
        WorkerSettings settings = command.settings(environment);
        Set<String> unknown = new HashSet<>(environment.keySet());
        unknown.removeAll(read);
        return settings.name().equals(service) ? unknown : Set.of("its own name");
    }

    @SuppressWarnings("unchecked")
    private static <V> Map<String, V> map(Object value) {
        return (Map<String, V>) value;
    }

    @SuppressWarnings("unchecked")
    private static <V> List<V> list(Object value) {
        return (List<V>) value;
    }
}
