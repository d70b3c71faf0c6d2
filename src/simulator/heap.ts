/** Values in the order of their keys; those of one key in the order in which they came. */
export type Heap<T> = {
  size(): number;
  push(key: number, value: T): void;
  /** The lowest key; Infinity when there is none. */
  firstKey(): number;
  first(): T | undefined;
  /** Takes out the value with the lowest key. */
  pop(): T | undefined;
};

type Entry<T> = { readonly key: number; readonly place: number; readonly value: T };

/** A binary heap. */
export function createHeap<T>(): Heap<T> {
  const entries: Entry<T>[] = [];
  let pushed = 0;

  return {
    size: () => entries.length,
    firstKey: () => entries[0]?.key ?? Infinity,
    first: () => entries[0]?.value,
    push(key, value) {
      pushed += 1;
      rise({ key, place: pushed, value });
    },
    pop() {
      const first = entries[0];
      const last = entries.pop();
      if (last !== undefined && entries.length > 0) sink(last);
      return first?.value;
    },
  };

  function rise(entry: Entry<T>): void {
    let index = entries.length;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || isBefore(parent, entry)) break;
      entries[index] = parent;
      index = parentIndex;
    }
    entries[index] = entry;
  }

  function sink(entry: Entry<T>): void {
    let index = 0;
    for (;;) {
      const left = entries[2 * index + 1];
      const right = entries[2 * index + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(entry, child)) break;
      entries[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    entries[index] = entry;
  }
}

function isBefore<T>(one: Entry<T>, other: Entry<T>): boolean {
  return one.key < other.key || (one.key === other.key && one.place < other.place);
}
