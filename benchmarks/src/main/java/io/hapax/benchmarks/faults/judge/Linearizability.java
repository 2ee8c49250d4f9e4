package io.hapax.benchmarks.faults.judge;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Searches for an order of operations in which each is legal and none comes before one that had returned before it was called:
 * the search of Wing and Gong, which with Lowe's memory of what was tried visits each set of operations in each state only once.
 *
 * @param <S> states, with {@code equals}
 * @param <O> operations
 */
final class Linearizability<S, O> {

    /** What a thing of one caller at a time would do. */
    interface Model<S, O> {

        S initial();

        /** The state after an operation; empty where it is not legal. */
        Optional<S> after(S state, O operation);

        /** Whether an operation that is not legal in a state is not legal in any later one either. */
        default boolean isRefusalFinal() {
            return false;
        }
    }

    /**
     * An operation, and when it took place: at some time between these two, which differ.
     *
     * @param called not before
     * @param returned not after
     * @param what the operation
     */
    record Timed<O>(long called, long returned, O what) {}

    private record Tried<S>(BitSet done, S state) {}

    private record Step<S>(Node call, S before) {}

    /** The call or the return of an operation, in a list from which calls are taken out and put back. */
    private static final class Node {
        private final long at;
        private final int operation;
        private final @Nullable Node matching;
        private @Nullable Node previous;
        private @Nullable Node next;

        Node(long at, int operation, @Nullable Node matching) {
            this.at = at;
            this.operation = operation;
            this.matching = matching;
        }

        void takeOut() {
            link(previous, next);
            if (matching != null) {
                link(matching.previous, matching.next);
            }
        }

        void putBack() {
            if (matching != null) {
                link(matching.previous, matching);
                link(matching, matching.next);
            }
            link(previous, this);
            link(this, next);
        }
    }

    private static void link(@Nullable Node left, @Nullable Node right) {
        if (left != null) {
            left.next = right;
        }
        if (right != null) {
            right.previous = left;
        }
    }

    private final Model<S, O> model;

    Linearizability(Model<S, O> model) {
        this.model = model;
    }

    /**
     * Finds the operations because of which there is no order: the one whose return makes the operations so far impossible, then,
     * without it, the next. Sound for models in which taking operations away from the end leaves an order legal.
     */
    List<Timed<O>> culprits(List<Timed<O>> operations) {
        List<Timed<O>> left = new ArrayList<>(operations);
        left.sort(Comparator.comparingLong(Timed::returned));
        List<Timed<O>> culprits = new ArrayList<>();
        while (!hasOrder(left)) {
            int possible = 0;
            int impossible = left.size();
            while (impossible - possible > 1) {
                int middle = (possible + impossible) / 2;
                if (hasOrder(left.subList(0, middle))) {
                    possible = middle;
                } else {
                    impossible = middle;
                }
            }
            culprits.add(left.remove(impossible - 1));
        }
        return culprits;
    }

    boolean hasOrder(List<Timed<O>> operations) {
        Node head = list(operations);
        S state = model.initial();
        BitSet done = new BitSet();
        Set<Tried<S>> tried = new HashSet<>();
        Deque<Step<S>> steps = new ArrayDeque<>();
        Node node = head.next;
        while (node != null) {
            if (node.matching != null) {
                Optional<S> after =
                        model.after(state, operations.get(node.operation).what());
                if (after.isPresent()
                        && leavesRest(after.get(), node, head, operations)
                        && tried.add(new Tried<>(with(done, node.operation), after.get()))) {
                    steps.push(new Step<>(node, state));
                    state = after.get();
                    done.set(node.operation);
                    node.takeOut();
                    node = head.next;
                } else {
                    node = node.next;
                }
            } else if (steps.isEmpty()) {
                return false;
            } else {
                Step<S> last = steps.pop();
                state = last.before();
                done.clear(last.call().operation);
                last.call().putBack();
                node = last.call().next;
            }
        }
        return true;
    }

    /**
     * Whether the others that may come now may still come after an operation. Without this, of many at a time each set is tried, as one
     * that has become impossible is noticed only when it has to return.
     */
    private boolean leavesRest(S after, Node taken, Node head, List<Timed<O>> operations) {
        if (!model.isRefusalFinal()) {
            return true;
        }
        for (Node other = head.next; other != null && other.matching != null; other = other.next) {
            if (other != taken
                    && model.after(after, operations.get(other.operation).what())
                            .isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private static BitSet with(BitSet done, int operation) {
        BitSet more = (BitSet) done.clone();
        more.set(operation);
        return more;
    }

    /** Calls and returns in the order of their times, behind a head that stays. */
    private static <O> Node list(List<Timed<O>> operations) {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < operations.size(); i++) {
            Timed<O> operation = operations.get(i);
            Node returned = new Node(operation.returned(), i, null);
            nodes.add(returned);
            nodes.add(new Node(operation.called(), i, returned));
        }
        nodes.sort(Comparator.comparingLong(node -> node.at));
        Node head = new Node(Long.MIN_VALUE, -1, null);
        Node last = head;
        for (Node node : nodes) {
            link(last, node);
            last = node;
        }
        return head;
    }
}
