package io.hapax.benchmarks.harness;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The arguments of a measurement: {@code --quick}, {@code --csv=file}, and others of the form {@code --name=value}.
 *
 * @param all the arguments
 */
public record Arguments(List<String> all) {

    /**
     * Reads what was given to {@code main}; also sets the locale, so that numbers look the same everywhere.
     *
     * @param args the arguments
     * @return the arguments
     */
    public static Arguments of(String[] args) {
        Locale.setDefault(Locale.ROOT);
        List<String> all =
                Arrays.stream(args).filter(argument -> !argument.isBlank()).toList();
        all.stream().filter(argument -> !argument.startsWith("--")).findFirst().ifPresent(odd -> {
            throw new IllegalArgumentException("arguments look like --quick or --csv=file, not like '" + odd + "'");
        });
        return new Arguments(all);
    }

    /**
     * Refuses arguments that nobody would look at.
     *
     * @param names what there is, without {@code --}
     * @return these arguments
     * @throws IllegalArgumentException if there is another one
     */
    public Arguments only(String... names) {
        List<String> known = List.of(names);
        for (String argument : all) {
            String name = argument.substring(2).split("=", 2)[0];
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        "there is no argument --" + name + "; there are --" + String.join(", --", known));
            }
        }
        return this;
    }

    /**
     * Whether the short version is wanted.
     *
     * @return whether it is
     */
    public boolean quick() {
        return all.contains("--quick");
    }

    /**
     * Where to write the table as comma-separated values.
     *
     * @return the file, if there is to be one
     */
    public Optional<Path> csv() {
        return value("csv").map(Path::of);
    }

    /**
     * Looks up an argument.
     *
     * @param name its name
     * @return its value, if it was given
     */
    public Optional<String> value(String name) {
        String prefix = "--" + name + "=";
        return all.stream()
                .filter(argument -> argument.startsWith(prefix))
                .map(argument -> argument.substring(prefix.length()))
                .findFirst();
    }

    /**
     * Looks up numbers separated by commas.
     *
     * @param name the name of the argument
     * @param otherwise what holds if it was not given
     * @return the numbers
     */
    public List<Integer> numbers(String name, List<Integer> otherwise) {
        return value(name)
                .map(text -> Arrays.stream(text.split(",", -1))
                        .map(number -> Integer.valueOf(number))
                        .toList())
                .orElse(otherwise);
    }

    /**
     * Looks up a number.
     *
     * @param name the name of the argument
     * @param otherwise what holds if it was not given
     * @param least the least that is allowed
     * @param most the most that is allowed
     * @return the number
     * @throws IllegalArgumentException if it is none of these
     */
    public int number(String name, int otherwise, int least, int most) {
        String text = value(name).orElse(Integer.toString(otherwise));
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Below.
        }
        throw new IllegalArgumentException(
                "--" + name + " has to be a whole number from " + least + " to " + most + ", was '" + text + "'");
    }

    /**
     * Looks up words separated by commas.
     *
     * @param name the name of the argument
     * @param otherwise what holds if it was not given
     * @return the words
     */
    public List<String> words(String name, List<String> otherwise) {
        return value(name).map(text -> List.of(text.split(",", -1))).orElse(otherwise);
    }

    /**
     * Looks up which of several are wanted, separated by commas.
     *
     * @param name the name of the argument
     * @param all what there is, which also holds if it was not given
     * @return the wanted ones
     * @throws IllegalArgumentException if there is no such one
     */
    public List<String> someOf(String name, List<String> all) {
        List<String> wanted = words(name, all);
        wanted.stream().filter(word -> !all.contains(word)).findFirst().ifPresent(unknown -> {
            throw new IllegalArgumentException(
                    "--" + name + " has '" + unknown + "'; there are " + String.join(", ", all));
        });
        return wanted;
    }
}
