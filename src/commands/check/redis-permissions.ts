/**
 * What the autoscaler does in Redis: it reads queues, and writes its own keys. docs/security.md gives a new user the
 * same, and says for which servers there is more.
 */
const commands =
  '+@connection +@read -@dangerous +client|list +info +time +eval +evalsha +set +del +hset +hdel +zadd +zremrangebyscore +xadd +xtrim +pexpire +multi +exec';
const ownKeys = '~backlog-autoscaler:*';

/** The ACL rules that suffice, in the order in which they count, for queues with these key prefixes. */
export function permissionsFor(parts: {
  readonly queuePrefixes: readonly string[];
  /** Redis 7 can let a user read keys without letting it write them. */
  readonly canReadOnly: boolean;
}): readonly string[] {
  const readable = parts.canReadOnly ? '%R~' : '~';
  const queueKeys = [...new Set(parts.queuePrefixes)].map((prefix) => `${readable}${prefix}:*`);
  return [...queueKeys, ownKeys, ...commands.split(' ')];
}
