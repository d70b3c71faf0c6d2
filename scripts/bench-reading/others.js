/** The ways to read many queues with which ours is compared. */
import { createConnection } from 'node:net';

/** Less than ours tells: no names, no running jobs, nothing of what has ended or is due soon. */
export function askApi(queue) {
  return Promise.all([
    queue.getJobCounts(),
    queue.getDelayedCount(Date.now()),
    queue.getMeta(),
    queue.getWaiting(0, 0),
  ]);
}

/** The same as ours in two steps, as far as fixed commands can tell it: nothing of what has ended. */
export async function readByPipelines(client, names) {
  for (let first = 0; first < names.length; first += 200) {
    const chunk = names.slice(first, first + 200);
    const counts = client.pipeline();
    const now = Date.now();
    for (const name of chunk) {
      const key = (suffix) => `bull:${name}:${suffix}`;
      counts.hmget(key('meta'), 'version', 'paused', 'concurrency', 'max').get(key('id'));
      counts.lrange(key('wait'), -5, -1).llen(key('wait')).llen(key('paused'));
      counts.lrange(key('active'), -10, -1).llen(key('active'));
      counts.zrange(key('prioritized'), 0, 0).zcard(key('prioritized')).zcard(key('delayed'));
      counts.zcount(key('delayed'), '-inf', now * 4096).zcard(key('waiting-children'));
      counts.zrangebyscore(key('delayed'), now * 4096, (now + 120_000) * 4096, 'LIMIT', 0, 12);
      counts.pttl(key('limiter'));
    }
    const replies = (await counts.exec()).map(([, value]) => value);
    const details = client.pipeline();
    chunk.forEach((name, index) => {
      const [, , waiting, , , active, , prioritized] = replies.slice(14 * index, 14 * index + 14);
      for (const id of waiting) details.hget(`bull:${name}:${id}`, 'name');
      for (const id of [...waiting.slice(-1), ...prioritized])
        details.hmget(`bull:${name}:${id}`, 'timestamp', 'opts', 'processedOn', 'ats', 'atm');
      for (const id of active)
        details
          .exists(`bull:${name}:${id}:lock`)
          .hmget(`bull:${name}:${id}`, 'pb', 'processedOn', 'name');
    });
    if (details.length > 0) await details.exec();
  }
}

/**
 * What tells as much as ours without a script: the same ten commands for each queue, whether it is idle or not, and
 * whatever ours looks up beyond counts, with ids known in advance. Lengths of fields are not asked for, and fields of one
 * job in one command, which is cheaper there.
 */
export function plainCommands(names, commands) {
  const isCount = ([name, key, ...rest]) =>
    ['llen', 'zcard', 'pttl', 'hstrlen'].includes(name.toLowerCase()) ||
    /:(meta|id|limiter)$/.test(key) ||
    (name.toLowerCase() === 'exists' && key.endsWith(':wait')) ||
    (name.toLowerCase() === 'lindex' && rest[0] === '-1');
  const counts = names.flatMap((name) => {
    const key = (suffix) => `bull:${name}:${suffix}`;
    return [
      ['HMGET', key('meta'), 'version', 'paused', 'concurrency', 'max'],
      ['GET', key('id')],
      ['LLEN', key('wait')],
      ['LINDEX', key('wait'), '-1'],
      ['LLEN', key('paused')],
      ['LLEN', key('active')],
      ['ZCARD', key('delayed')],
      ['ZCARD', key('prioritized')],
      ['ZCARD', key('waiting-children')],
      ['GET', key('limiter')],
    ];
  });
  const details = [];
  for (const words of commands.filter((each) => !isCount(each))) {
    const last = details.at(-1);
    const isOfSameJob = last?.[0].toLowerCase() === 'hget' && words[0].toLowerCase() === 'hget';
    if (isOfSameJob && last[1] === words[1])
      details[details.length - 1] = [...last, ...words.slice(2)];
    else details.push(words);
  }
  const isOfFields = ([name, , , second]) => name.toLowerCase() === 'hget' && second !== undefined;
  return [
    ...counts,
    ...details.map((words) => (isOfFields(words) ? ['HMGET', ...words.slice(1)] : words)),
  ];
}

/** The least that a client could do: ready-made bytes out, and bytes in that are only counted. */
export function createBareSocket(port, commands) {
  const socket = createConnection(port, '127.0.0.1').setNoDelay(true);
  const bytes = Buffer.concat([...commands.map(encode), encode(['ECHO', 'that is all'])]);
  const end = Buffer.from('$11\r\nthat is all\r\n');
  return {
    send: () =>
      new Promise((resolve) => {
        let tail = Buffer.alloc(0);
        socket.on('data', function listen(chunk) {
          tail = Buffer.concat([tail, chunk.subarray(-end.length)]).subarray(-end.length);
          if (!tail.equals(end)) return;
          socket.off('data', listen);
          resolve();
        });
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

function encode(words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}
