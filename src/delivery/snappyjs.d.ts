/** The package has no types of its own. */
declare module 'snappyjs' {
  /** Compresses into one block of Snappy, as remote write wants it. */
  export function compress(bytes: Uint8Array): Uint8Array;
  export function uncompress(bytes: Uint8Array): Uint8Array;
}
