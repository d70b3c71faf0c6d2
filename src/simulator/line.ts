/** A line that is joined at its end, or by those who come first at its head, and left at its head. */
export type Line<T> = {
  size(): number;
  push(item: T): void;
  pushFirst(item: T): void;
  shift(): T | undefined;
  /** The item at this place, 0 being the head. */
  at(place: number): T | undefined;
};

/** A ring that doubles when it is full, because `Array.shift` takes ever longer in a long array. */
export function createLine<T>(): Line<T> {
  let ring: (T | undefined)[] = new Array<T | undefined>(16);
  let head = 0;
  let size = 0;

  return {
    size: () => size,
    push(item) {
      grow();
      ring[(head + size) & (ring.length - 1)] = item;
      size += 1;
    },
    pushFirst(item) {
      grow();
      head = (head - 1) & (ring.length - 1);
      ring[head] = item;
      size += 1;
    },
    shift() {
      if (size === 0) return undefined;
      const item = ring[head];
      ring[head] = undefined;
      head = (head + 1) & (ring.length - 1);
      size -= 1;
      return item;
    },
    at: (place) => (place < size ? ring[(head + place) & (ring.length - 1)] : undefined),
  };

  function grow(): void {
    if (size < ring.length) return;
    ring = [...ring.slice(head), ...ring.slice(0, head), ...new Array<undefined>(size)];
    head = 0;
  }
}
