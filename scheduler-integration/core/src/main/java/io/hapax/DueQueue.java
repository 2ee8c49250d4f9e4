package io.hapax;

import io.hapax.time.NanoTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Entries ordered by when they are due: short runs come and go in O(log n) and leave nothing behind.
 *
 * <p>Entries that were taken together may stay together, as a {@link Cohort}, and are one node of the heap then: of many thousands of leases, a
 * renewal moves no more than one in a hundred. Nodes have numbers, and the heap moves these instead of the nodes: a reference that is
 * moved among objects that are old has to be reported to the garbage collector. Not thread-safe.
 */
final class DueQueue {

    private static final int NONE = -1;
    private static final int SMALLEST = 64;

    /** What has a place in the heap. */
    private abstract static class Node {
        private int number = NONE;

        abstract Entry first();

        abstract int size();

        abstract void addTo(List<? super Entry> all);
    }

    /** Something that is due at an instant. */
    abstract static class Entry extends Node {
        /** Null for one that has a place of its own; of a member, the number is its place among the members. */
        private @Nullable Cohort cohort;

        final boolean queued() {
            return super.number != NONE;
        }

        @Override
        final Entry first() {
            return this;
        }

        @Override
        final int size() {
            return 1;
        }

        @Override
        final void addTo(List<? super Entry> all) {
            all.add(this);
        }
    }

    /** Entries that are due together until they are put, or removed, one by one. They become fewer, and never more. */
    static final class Cohort extends Node {
        private final @Nullable Entry[] members;
        private int size;

        private Cohort(int most) {
            this.members = new @Nullable Entry[most];
        }

        private void join(Entry entry) {
            entry.cohort = this;
            ((Node) entry).number = size;
            members[size++] = entry;
        }

        private void leave(Entry entry) {
            Entry last = at(members, --size);
            members[size] = null;
            if (last != entry) {
                int place = ((Node) entry).number;
                members[place] = last;
                ((Node) last).number = place;
            }
            entry.cohort = null;
            ((Node) entry).number = NONE;
        }

        @Override
        Entry first() {
            return at(members, 0);
        }

        @Override
        int size() {
            return size;
        }

        @Override
        void addTo(List<? super Entry> all) {
            for (int n = 0; n < size; n++) {
                all.add(at(members, n));
            }
        }
    }

    private @Nullable Node[] nodes = new @Nullable Node[SMALLEST];
    /** By number: the place in the heap; of a number that is free, the next free one. */
    private int[] places = new int[SMALLEST];

    private int firstFree = NONE;
    /** The first number that was never given. */
    private int fresh;
    /** Of entries, however many of them share a node. */
    private int size;

    // A heap whose nodes have four children.
    private int[] numbers = new int[16];
    private long[] dues = new long[16];
    private int heapSize;

    int size() {
        return size;
    }

    /** When an entry is due that is queued. */
    NanoTime due(Entry entry) {
        Cohort cohort = entry.cohort;
        return due(cohort == null ? entry : (Node) cohort);
    }

    private NanoTime due(Node node) {
        return new NanoTime(dues[places[node.number]]);
    }

    /** Has an entry be due by itself, whether it was queued before or not. */
    void put(Entry entry, NanoTime due) {
        if (entry.queued() && entry.cohort == null) {
            settle(((Node) entry).number, places[((Node) entry).number], due.nanos());
            return;
        }
        makeRoom();
        takeOut(entry);
        add(entry, due.nanos());
        size++;
    }

    /** Has entries be due together, whether they were queued before or not. */
    Cohort putTogether(List<? extends Entry> entries, NanoTime due) {
        Cohort together = new Cohort(entries.size());
        makeRoom();
        for (int n = 0; n < entries.size(); n++) {
            Entry entry = entries.get(n);
            takeOut(entry);
            together.join(entry);
        }
        if (together.size > 0) {
            add(together, due.nanos());
            size += together.size;
        }
        return together;
    }

    /** Has the members of a cohort be due at another instant; nothing if there are none any more. */
    void move(Cohort cohort, NanoTime due) {
        int number = ((Node) cohort).number;
        if (number != NONE) {
            settle(number, places[number], due.nanos());
        }
    }

    /** Does so only if they are due at an instant, and nobody has moved them since. */
    void moveFrom(Cohort cohort, NanoTime from, NanoTime due) {
        if (((Node) cohort).number != NONE && due(cohort).equals(from)) {
            move(cohort, due);
        }
    }

    void remove(Entry entry) {
        takeOut(entry);
        shrink();
    }

    /** Few nodes are left of many, as entries have gone, or have come together. Changes nothing if there is no memory for it. */
    private void shrink() {
        try {
            if (heapSize < dues.length / 4 && dues.length > SMALLEST) {
                resize(dues.length / 2);
            }
            if (heapSize < nodes.length / 4 && nodes.length > SMALLEST) {
                renumber(nodes.length / 2);
            }
        } catch (OutOfMemoryError noRoom) {
            // Another time: what is due, or over, goes first.
        }
    }

    /** Needs no memory. */
    private void takeOut(Entry entry) {
        Cohort cohort = entry.cohort;
        if (cohort != null) {
            cohort.leave(entry);
            size--;
            if (cohort.size == 0) {
                removeNode(cohort);
            }
        } else if (entry.queued()) {
            removeNode(entry);
            size--;
        }
    }

    /**
     * Finds what is due, and has it be due together, later: nothing if nothing is.
     *
     * @param ahead how many nanoseconds before its time something is taken along with an entry that is due
     * @param most how many to take, but for a cohort that is larger by itself
     */
    @Nullable
    Cohort takeDue(NanoTime now, ToLongFunction<Entry> ahead, int most, NanoTime later) {
        shrink();
        List<Node> taken = new ArrayList<>();
        Cohort together = null;
        try {
            int entries = takeNodes(now, ahead, most, taken);
            if (taken.isEmpty()) {
                return null;
            }
            together = taken.size() == 1 && taken.get(0) instanceof Cohort same ? same : joined(taken, entries);
            return together;
        } finally {
            // Whatever has gone wrong, nothing is forgotten.
            if (together != null) {
                add(together, later.nanos());
            } else {
                for (int n = 0; n < taken.size(); n++) {
                    add(taken.get(n), later.nanos());
                }
            }
        }
    }

    private int takeNodes(NanoTime now, ToLongFunction<Entry> ahead, int most, List<Node> taken) {
        long horizon = now.nanos();
        int entries = 0;
        while (heapSize > 0 && dues[0] - horizon <= 0) {
            Node first = at(nodes, numbers[0]);
            if (entries > 0 && entries + first.size() > most) {
                break;
            }
            long together = now.nanos() + ahead.applyAsLong(first.first());
            horizon = together - horizon > 0 ? together : horizon;
            taken.add(first);
            entries += first.size();
            removeNode(first);
        }
        return entries;
    }

    private static Cohort joined(List<Node> nodes, int entries) {
        Cohort together = new Cohort(entries);
        List<Entry> all = new ArrayList<>(entries);
        nodes.forEach(node -> node.addTo(all));
        for (Entry entry : all) {
            if (entry.cohort != null) {
                entry.cohort.leave(entry);
            }
            together.join(entry);
        }
        return together;
    }

    List<Entry> all() {
        List<Entry> all = new ArrayList<>(size);
        for (int n = 0; n < heapSize; n++) {
            at(nodes, numbers[n]).addTo(all);
        }
        return all;
    }

    @Nullable
    NanoTime nextDue() {
        return heapSize == 0 ? null : new NanoTime(dues[0]);
    }

    private static <T> T at(@Nullable T[] all, int index) {
        T one = all[index];
        if (one == null) {
            throw new NoSuchElementException("there is nothing at " + index);
        }
        return one;
    }

    /** So that no entry is lost for want of memory, between where it was and where it is put. */
    private void makeRoom() {
        if (heapSize == dues.length) {
            resize(heapSize * 2);
        }
        if (firstFree == NONE && fresh == nodes.length) {
            @Nullable Node[] moreNodes = Arrays.copyOf(nodes, 2 * fresh);
            places = Arrays.copyOf(places, 2 * fresh);
            nodes = moreNodes;
        }
    }

    /** There is room for it. */
    private void add(Node node, long due) {
        node.number = numberOf(node);
        up(node.number, heapSize++, due);
    }

    private void removeNode(Node node) {
        int hole = places[node.number];
        int last = numbers[--heapSize];
        if (last != node.number) {
            settle(last, hole, dues[heapSize]);
        }
        nodes[node.number] = null;
        places[node.number] = firstFree;
        firstFree = node.number;
        node.number = NONE;
    }

    private int numberOf(Node node) {
        int number = firstFree;
        if (number != NONE) {
            firstFree = places[number];
        } else {
            number = fresh++;
        }
        nodes[number] = node;
        return number;
    }

    /** Few are left of many. */
    private void renumber(int length) {
        @Nullable Node[] old = nodes;
        @Nullable Node[] fewer = new @Nullable Node[length];
        places = new int[length];
        nodes = fewer;
        firstFree = NONE;
        fresh = 0;
        for (int n = 0; n < heapSize; n++) {
            Node node = at(old, numbers[n]);
            node.number = numberOf(node);
            place(node.number, n, dues[n]);
        }
    }

    private void resize(int length) {
        int[] copied = Arrays.copyOf(numbers, length);
        dues = Arrays.copyOf(dues, length);
        numbers = copied;
    }

    /** Finds the place of a number, from a place that is free or its own. */
    private void settle(int number, int from, long due) {
        if (from > 0 && due - dues[(from - 1) / 4] < 0) {
            up(number, from, due);
        } else {
            down(number, from, due);
        }
    }

    private void up(int number, int from, long due) {
        int hole = from;
        while (hole > 0) {
            int parent = (hole - 1) / 4;
            if (due - dues[parent] >= 0) {
                break;
            }
            place(numbers[parent], hole, dues[parent]);
            hole = parent;
        }
        place(number, hole, due);
    }

    private void down(int number, int from, long due) {
        int hole = from;
        for (int child = 4 * hole + 1; child < heapSize; child = 4 * hole + 1) {
            int least = child;
            for (int other = child + 1; other < Math.min(child + 4, heapSize); other++) {
                if (dues[other] - dues[least] < 0) {
                    least = other;
                }
            }
            if (due - dues[least] <= 0) {
                break;
            }
            place(numbers[least], hole, dues[least]);
            hole = least;
        }
        place(number, hole, due);
    }

    private void place(int number, int index, long due) {
        numbers[index] = number;
        dues[index] = due;
        places[number] = index;
    }
}
