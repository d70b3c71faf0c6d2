import { PbfWriter } from 'pbf';

/** One time series of a remote-write request. */
export type TimeSeries = {
  /** Sorted by name, none empty, `__name__` among them. */
  readonly labels: readonly Label[];
  readonly samples: readonly Sample[];
};
export type Label = readonly [name: string, value: string];
/** `stale` says that the series has ended at this time, in Unix milliseconds. */
export type Sample = { readonly value: number | 'stale'; readonly atMs: number };

/**
 * The protobuf message `prometheus.WriteRequest` of the Remote-Write specification 1.0
 * (https://prometheus.io/docs/specs/prw/remote_write_spec/), not yet compressed.
 */
export function encodeWriteRequest(series: readonly TimeSeries[]): Uint8Array {
  const writer = new PbfWriter();
  for (const each of series) writer.writeMessage(1, writeTimeSeries, each);
  return writer.finish();
}

function writeTimeSeries({ labels, samples }: TimeSeries, writer: PbfWriter): void {
  for (const label of labels) writer.writeMessage(1, writeLabel, label);
  for (const sample of samples) writer.writeMessage(2, writeSample, sample);
}

function writeLabel([name, value]: Label, writer: PbfWriter): void {
  writer.writeStringField(1, name);
  writer.writeStringField(2, value);
}

function writeSample({ value, atMs }: Sample, writer: PbfWriter): void {
  if (value === 'stale') writeStale(writer);
  else writer.writeDoubleField(1, value);
  writer.writeVarintField(2, atMs);
}

/** The wire type of eight bytes of fixed width, such as a double. */
const fixed64 = 1;

/**
 * The NaN 0x7ff0000000000002, by which Prometheus marks the end of a series. A number of JavaScript does not keep which
 * of many NaNs it is, so the two halves are written as integers.
 */
function writeStale(writer: PbfWriter): void {
  writer.writeTag(1, fixed64);
  writer.writeFixed32(2);
  writer.writeFixed32(0x7ff00000);
}
