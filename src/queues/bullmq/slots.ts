/**
 * The part of a key by which a Redis Cluster chooses its slot, and so its node; null when that is the whole key, so that
 * two keys that merely begin alike lie anywhere. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function hashTagOf(prefix: string): string | null {
  return /^[^{]*\{([^}]+)\}/.exec(prefix)?.[1] ?? null;
}

/** A key of the autoscaler's own in that slot: users who may only read the queues may still name it to a script. */
export function keyOfSlot(hashTag: string): string {
  return `backlog-autoscaler:{${hashTag}}`;
}
