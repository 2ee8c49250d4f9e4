package io.hapax;

import io.hapax.time.NanoTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Entries ordered by when they are due, in which an entry knows its place: short runs come and go in O(log n) and leave nothing
 * behind.
 *
 * <p>Those whose instant is about to change again are put aside, into a heap of their own: among many thousands, each move is as many
 * misses of the processor's caches as the heap has levels, and a renewal would need four. Not thread-safe.
 */
final class DueQueue {

    /** Something that is due at an instant. */
    abstract static class Entry {
        private int index = -1;
        private boolean aside;
        private long dueNanos;

        final NanoTime due() {
            return new NanoTime(dueNanos);
        }

        final boolean queued() {
            return index >= 0;
        }
    }

    private final Heap main = new Heap(false);
    private final Heap aside = new Heap(true);

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
        if (entry.queued() && entry.aside != into.isAside) {
            remove(entry);
        }
        into.put(entry, due.nanos());
    }

    void remove(Entry entry) {
        if (entry.queued()) {
            (entry.aside ? aside : main).remove(entry);
        }
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
            Entry first = heap.at(0);
            heap.remove(first);
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

    /** A heap whose nodes have four children, and which compares without a look at the entries. */
    private static final class Heap {

        private final boolean isAside;
        private @Nullable Entry[] entries = new @Nullable Entry[16];
        private long[] dues = new long[16];
        private int size;

        Heap(boolean isAside) {
            this.isAside = isAside;
        }

        void put(Entry entry, long due) {
            entry.dueNanos = due;
            if (entry.index >= 0) {
                settle(entry, entry.index, due);
                return;
            }
            if (size == dues.length) {
                resize(size * 2);
            }
            entry.aside = isAside;
            up(entry, size++, due);
        }

        void remove(Entry entry) {
            int hole = entry.index;
            entry.index = -1;
            Entry last = at(--size);
            long due = dues[size];
            entries[size] = null;
            if (last != entry) {
                settle(last, hole, due);
            }
            if (size < dues.length / 4 && dues.length > 64) {
                resize(dues.length / 2);
            }
        }

        private void resize(int length) {
            entries = Arrays.copyOf(entries, length);
            dues = Arrays.copyOf(dues, length);
        }

        /** Finds the place of an entry, from a place that is free or its own. */
        private void settle(Entry entry, int from, long due) {
            if (from > 0 && due - dues[(from - 1) / 4] < 0) {
                up(entry, from, due);
            } else {
                down(entry, from, due);
            }
        }

        private void up(Entry entry, int from, long due) {
            int hole = from;
            while (hole > 0) {
                int parent = (hole - 1) / 4;
                if (due - dues[parent] >= 0) {
                    break;
                }
                place(at(parent), hole, dues[parent]);
                hole = parent;
            }
            place(entry, hole, due);
        }

        private void down(Entry entry, int from, long due) {
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
                place(at(least), hole, dues[least]);
                hole = least;
            }
            place(entry, hole, due);
        }

        private void place(Entry entry, int index, long due) {
            entries[index] = entry;
            dues[index] = due;
            entry.index = index;
        }

        private Entry at(int index) {
            Entry entry = entries[index];
            if (entry == null) {
                throw new NoSuchElementException("no entry at " + index + " of " + size);
            }
            return entry;
        }

        void addTo(List<Entry> all) {
            for (int n = 0; n < size; n++) {
                all.add(at(n));
            }
        }
    }
}
