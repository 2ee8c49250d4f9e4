package io.hapax;

import io.hapax.time.NanoTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Entries ordered by when they are due: short runs come and go in O(log n) and leave nothing behind.
 *
 * <p>Entries have numbers, and heaps move these instead of the entries. A reference that is moved among objects that are old has
 * to be reported to the garbage collector, and writing its place to an entry is a miss of the processor's caches: among many thousands, that
 * was most of what a renewal took. Those whose instant is about to change again are put aside, into a small heap of their
 * own. Not thread-safe.
 */
final class DueQueue {

    /** Something that is due at an instant. */
    abstract static class Entry {
        private int number = NONE;
        private long dueNanos;

        final NanoTime due() {
            return new NanoTime(dueNanos);
        }

        final boolean queued() {
            return number != NONE;
        }
    }

    private static final int NONE = -1;
    private static final int SMALLEST = 64;

    private final Heap main = new Heap(false);
    private final Heap aside = new Heap(true);
    private @Nullable Entry[] entries = new @Nullable Entry[SMALLEST];
    /** By number: the index in the main heap, or less than 0 and, inverted, that in the other one; of a number that is free, the next free one. */
    private int[] places = new int[SMALLEST];

    private int firstFree = NONE;
    /** The first number that was never given. */
    private int fresh;

    int size() {
        return main.size + aside.size;
    }

    void put(Entry entry, NanoTime due) {
        put(entry, due, main);
    }

    /** Puts an entry in place that will soon be put again, or removed. */
    void putAside(Entry entry, NanoTime due) {
        put(entry, due, aside);
    }

    private void put(Entry entry, NanoTime due, Heap into) {
        entry.dueNanos = due.nanos();
        if (!entry.queued()) {
            entry.number = numberOf(entry);
            into.add(entry.number, due.nanos());
            return;
        }
        Heap in = heapOf(entry.number);
        if (in == into) {
            into.move(entry.number, due.nanos());
        } else {
            in.remove(entry.number);
            into.add(entry.number, due.nanos());
        }
    }

    void remove(Entry entry) {
        if (entry.queued()) {
            heapOf(entry.number).remove(entry.number);
            free(entry);
            if (size() < entries.length / 4 && entries.length > SMALLEST) {
                renumber(entries.length / 2);
            }
        }
    }

    private Heap heapOf(int number) {
        return places[number] < 0 ? aside : main;
    }

    private int numberOf(Entry entry) {
        int number = firstFree;
        if (number != NONE) {
            firstFree = places[number];
        } else {
            if (fresh == entries.length) {
                entries = Arrays.copyOf(entries, 2 * fresh);
                places = Arrays.copyOf(places, 2 * fresh);
            }
            number = fresh++;
        }
        entries[number] = entry;
        return number;
    }

    private void free(Entry entry) {
        entries[entry.number] = null;
        places[entry.number] = firstFree;
        firstFree = entry.number;
        entry.number = NONE;
    }

    /** Few are left of many. */
    private void renumber(int length) {
        @Nullable Entry[] old = entries;
        entries = new @Nullable Entry[length];
        places = new int[length];
        firstFree = NONE;
        fresh = 0;
        main.renumber(old);
        aside.renumber(old);
    }

    @Nullable
    NanoTime nextDue() {
        Heap first = first();
        return first.size == 0 ? null : new NanoTime(first.dues[0]);
    }

    /** The one with the first entry of all; an empty one if there is none. */
    private Heap first() {
        boolean isAside = main.size == 0 || (aside.size > 0 && aside.dues[0] - main.dues[0] < 0);
        return isAside ? aside : main;
    }

    /** Removes and returns the entries that are due at or before an instant, earliest first, at most so many. */
    List<Entry> takeDue(NanoTime now, int most) {
        List<Entry> taken = new ArrayList<>();
        while (taken.size() < most) {
            Heap heap = first();
            if (heap.size == 0 || heap.dues[0] - now.nanos() > 0) {
                break;
            }
            Entry first = at(entries, heap.numbers[0]);
            remove(first);
            taken.add(first);
        }
        return taken;
    }

    List<Entry> all() {
        List<Entry> all = new ArrayList<>(size());
        main.addTo(all);
        aside.addTo(all);
        return all;
    }

    private static Entry at(@Nullable Entry[] entries, int number) {
        Entry entry = entries[number];
        if (entry == null) {
            throw new NoSuchElementException("nothing has the number " + number);
        }
        return entry;
    }

    /** A heap of numbers, whose nodes have four children. */
    private final class Heap {

        private final boolean isAside;
        private int[] numbers = new int[16];
        private long[] dues = new long[16];
        private int size;

        Heap(boolean isAside) {
            this.isAside = isAside;
        }

        void add(int number, long due) {
            if (size == dues.length) {
                resize(size * 2);
            }
            up(number, size++, due);
        }

        void move(int number, long due) {
            settle(number, indexOf(number), due);
        }

        void remove(int number) {
            int hole = indexOf(number);
            int last = numbers[--size];
            if (last != number) {
                settle(last, hole, dues[size]);
            }
            if (size < dues.length / 4 && dues.length > SMALLEST) {
                resize(dues.length / 2);
            }
        }

        private int indexOf(int number) {
            return isAside ? ~places[number] : places[number];
        }

        private void resize(int length) {
            numbers = Arrays.copyOf(numbers, length);
            dues = Arrays.copyOf(dues, length);
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
            for (int child = 4 * hole + 1; child < size; child = 4 * hole + 1) {
                int least = child;
                for (int other = child + 1; other < Math.min(child + 4, size); other++) {
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
            places[number] = isAside ? ~index : index;
        }

        void renumber(@Nullable Entry[] old) {
            for (int n = 0; n < size; n++) {
                Entry entry = at(old, numbers[n]);
                entry.number = numberOf(entry);
                place(entry.number, n, dues[n]);
            }
        }

        void addTo(List<Entry> all) {
            for (int n = 0; n < size; n++) {
                all.add(at(entries, numbers[n]));
            }
        }
    }
}
