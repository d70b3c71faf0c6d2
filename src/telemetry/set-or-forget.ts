import type { Gauge } from 'prom-client';

/** A series whose value is not known is absent, never 0. */
export function setOrForget<Label extends string>(
  gauge: Gauge<Label>,
  labels: Record<Label, string>,
  value: number | null,
): void {
  if (value === null) gauge.remove(labels);
  else gauge.set(labels, value);
}
