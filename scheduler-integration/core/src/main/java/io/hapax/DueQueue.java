package io.hapax;

import io.hapax.time.NanoTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A binary heap of entries ordered by when they are due, in which an entry knows its place: short runs come and go in
 * O(log n) and leave nothing behind. Not thread-safe.
 */
final class DueQueue {

    /** Something that is due at an instant. */
    abstract static class Entry {
        private int index = -1;
        private long dueNanos;

        final NanoTime due() {
            return new NanoTime(dueNanos);
        }

        private boolean isBefore(Entry other) {
            return dueNanos - other.dueNanos < 0;
        }

        final boolean queued() {
            return index >= 0;
        }
    }

    private @Nullable Entry[] heap = new @Nullable Entry[16];
    private int size;

    int size() {
        return size;
    }

    void put(Entry entry, NanoTime due) {
        if (entry.queued()) {
            entry.dueNanos = due.nanos();
            up(entry.index);
            down(entry.index);
            return;
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        entry.dueNanos = due.nanos();
        place(entry, size++);
        up(entry.index);
    }

    void remove(Entry entry) {
        int hole = entry.index;
        if (hole < 0) {
            return;
        }
        entry.index = -1;
        Entry last = at(--size);
        heap[size] = null;
        if (last != entry) {
            place(last, hole);
            up(hole);
            down(last.index);
        }
        if (size < heap.length / 4 && heap.length > 64) {
            heap = Arrays.copyOf(heap, heap.length / 2);
        }
    }

    @Nullable
    NanoTime nextDue() {
        return size == 0 ? null : at(0).due();
    }

    /** Removes and returns the entries that are due at or before an instant, earliest first, at most so many. */
    List<Entry> takeDue(NanoTime now, int most) {
        List<Entry> taken = new ArrayList<>();
        while (taken.size() < most && size > 0 && !now.isBefore(at(0).due())) {
            Entry first = at(0);
            remove(first);
            taken.add(first);
        }
        return taken;
    }

    List<Entry> all() {
        List<Entry> all = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            all.add(at(i));
        }
        return all;
    }

    private void up(int from) {
        int i = from;
        while (i > 0 && at(i).isBefore(at((i - 1) / 2))) {
            swap(i, (i - 1) / 2);
            i = (i - 1) / 2;
        }
    }

    private void down(int from) {
        int i = from;
        while (true) {
            int least = i;
            for (int child = 2 * i + 1; child <= 2 * i + 2 && child < size; child++) {
                if (at(child).isBefore(at(least))) {
                    least = child;
                }
            }
            if (least == i) {
                return;
            }
            swap(i, least);
            i = least;
        }
    }

    private void swap(int a, int b) {
        Entry first = at(a);
        place(at(b), a);
        place(first, b);
    }

    private void place(Entry entry, int index) {
        heap[index] = entry;
        entry.index = index;
    }

    private Entry at(int index) {
        Entry entry = heap[index];
        if (entry == null) {
            throw new NoSuchElementException("no entry at " + index + " of " + size);
        }
        return entry;
    }
}
