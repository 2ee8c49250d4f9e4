package io.hapax.benchmarks.faults;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Looks for the least that still breaks a promise: fewer strikes, then fewer faults in each, then shorter ones. Chance has its part in what a plan
 * breaks, so each smaller plan is tried more than once before it is taken for harmless.
 */
final class Shrinking {

    private static final int TRIES = 2;
    /** Shorter faults hardly are any. */
    private static final int SHORTEST = 12;

    /** Carries out a plan. */
    interface Trial {
        /** Whether it breaks a promise. */
        boolean breaks(Plan plan) throws IOException, InterruptedException;
    }

    private final Trial trial;
    private final BooleanSupplier isTimeLeft;

    Shrinking(Trial trial, BooleanSupplier isTimeLeft) {
        this.trial = trial;
        this.isTimeLeft = isTimeLeft;
    }

    /**
     * Returns the smallest plan that was seen to break a promise; the same if no smaller one was.
     *
     * @param broken a plan that broke one
     * @param suspects the labels of the strikes during which that happened
     */
    Plan shrink(Plan broken, List<String> suspects) throws IOException, InterruptedException {
        Plan least = broken;
        List<Strike> suspected = broken.strikes().stream()
                .filter(strike -> suspects.contains(strike.label()))
                .toList();
        if (!suspected.isEmpty() && suspected.size() < broken.strikes().size() && breaks(broken.with(suspected))) {
            least = broken.with(suspected);
        }
        for (int i = 0; i < least.strikes().size() && least.strikes().size() > 1; ) {
            List<Strike> fewer = new ArrayList<>(least.strikes());
            fewer.remove(i);
            if (breaks(least.with(fewer))) {
                least = least.with(fewer);
            } else {
                i++;
            }
        }
        for (int i = 0; i < least.strikes().size(); i++) {
            for (Fault fault : least.strikes().get(i).faults()) {
                least = without(least, i, fault);
            }
        }
        return shorter(least);
    }

    private Plan shorter(Plan plan) throws IOException, InterruptedException {
        Plan least = plan;
        while (least.length() / 2 >= SHORTEST && breaks(least.withLength(least.length() / 2))) {
            least = least.withLength(least.length() / 2);
        }
        return least;
    }

    private Plan without(Plan plan, int index, Fault fault) throws IOException, InterruptedException {
        List<Strike> strikes = new ArrayList<>(plan.strikes());
        List<Strike> smaller = strikes.get(index).without(each -> each == fault).toList();
        if (smaller.isEmpty() || smaller.get(0).topology() != plan.topology()) {
            return plan;
        }
        strikes.set(index, smaller.get(0));
        return breaks(plan.with(strikes)) ? plan.with(strikes) : plan;
    }

    private boolean breaks(Plan plan) throws IOException, InterruptedException {
        for (int i = 0; i < TRIES && isTimeLeft.getAsBoolean(); i++) {
            if (trial.breaks(plan)) {
                return true;
            }
        }
        return false;
    }
}
