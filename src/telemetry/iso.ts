/** A moment in ISO 8601; null where there is none. */
export function iso(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
