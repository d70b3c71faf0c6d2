/** Which dyno a process is, and which pool that makes it part of. */
export type Identity = { readonly pool: string; readonly dyno: string };

/** Of `worker.3`, and of `worker-23z34x56y-w78k9` where dynos have no numbers (Fir), the process type is `worker`. */
const dynoNames = [/^(?<type>.+)\.\d+$/, /^(?<type>.+)-[a-z0-9]+-[a-z0-9]+$/];

/**
 * @param host names the process where there is no $DYNO, as on a developer's machine; the pool is then the daemon's own
 * default unless it is given.
 */
export function identify(
  pool: string | undefined,
  dyno: string | undefined,
  host: string,
): Identity {
  const type = dynoNames.map((name) => name.exec(dyno ?? '')?.groups?.['type']).find(Boolean);
  return { pool: pool || type || 'worker', dyno: dyno || host };
}
