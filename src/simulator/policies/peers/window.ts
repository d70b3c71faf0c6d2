/** The values of the last so many seconds, one that is exactly that old among them. */
export function createWindow(lengthSeconds: number) {
  const samples: { readonly atMs: number; readonly value: number }[] = [];
  const values = () => samples.map(({ value }) => value);
  return {
    add(atMs: number, value: number): void {
      samples.push({ atMs, value });
      while ((samples[0]?.atMs ?? atMs) < atMs - lengthSeconds * 1000) samples.shift();
    },
    most: () => Math.max(...values()),
    mean: () => values().reduce((sum, value) => sum + value, 0) / samples.length,
  };
}
