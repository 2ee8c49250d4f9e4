package io.hapax.lease;

/**
 * Who has interfered with the guard's work, and why; kept with what was done. Immutable.
 *
 * @param actor who: not blank, at most 100 characters, no control characters
 * @param reason why: not blank, at most 300 characters, no control characters
 */
public record Intervention(String actor, String reason) {

    /** Of a program that names neither. */
    public static final Intervention UNNAMED = new Intervention("a program", "none given");

    private static final int LONGEST_ACTOR = 100;
    private static final int LONGEST_REASON = 300;

    /**
     * Checks both.
     *
     * @throws IllegalArgumentException if one breaks a rule; the message names the rule
     */
    public Intervention {
        actor = checked("actor", actor, LONGEST_ACTOR);
        reason = checked("reason", reason, LONGEST_REASON);
    }

    /**
     * Reads what somebody has stored, perhaps by hand: what breaks a rule is made to fit.
     *
     * @param actor who
     * @param reason why
     * @return the intervention
     */
    public static Intervention stored(String actor, String reason) {
        return new Intervention(fit(actor, LONGEST_ACTOR, "unknown"), fit(reason, LONGEST_REASON, "none given"));
    }

    private static String fit(String text, int longest, String otherwise) {
        String plain = text.replaceAll("\\p{Cc}", " ").strip();
        return plain.isEmpty() ? otherwise : plain.substring(0, Math.min(longest, plain.length()));
    }

    private static String checked(String what, String text, int longest) {
        String plain = text.strip();
        if (plain.isEmpty()) {
            throw new IllegalArgumentException("an intervention needs "
                    + (what.equals("actor") ? "an actor" : "a reason") + ", for those who ask later");
        }
        if (plain.length() > longest) {
            throw new IllegalArgumentException("the " + what + " of an intervention must not be longer than " + longest
                    + " characters, but has " + plain.length());
        }
        if (plain.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    "the " + what + " of an intervention must not contain control characters");
        }
        return plain;
    }

    @Override
    public String toString() {
        return VisibleText.of(actor + ": " + reason);
    }
}
