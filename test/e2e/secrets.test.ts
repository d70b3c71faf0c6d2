import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import {
  startScriptedHeroku,
  type Fault,
  type ScriptedHeroku,
} from '../support/scripted-heroku.ts';

/** Hard ones: with characters that URLs, JSON and HTML write in another way. */
const secrets = {
  redisPassword: 'r3dis/p@ss:"word\\%41<&>ü',
  statePassword: 'st@te?password#="2\\<b>',
  apiKey: 'b2c4d6e8-0f1a-4bare-herokutoken',
  metricsToken: 'metrics+token/with=signs&more',
  pushPassword: 'p#sh/p@ss "word"\\%<&',
  writePassword: 'wr1te+p@ss=word&more/%2F',
  webhookPath: 'T0123/B4567/a8bareWebhook',
  fileApiKey: '77aa88bb-file-4bare-herokutoken',
  filePassword: 'f1le p@ssword/"quoted"\\<i>',
};

/** Every way in which a program might write a secret. */
function spellings(secret: string): readonly string[] {
  const percent = encodeURIComponent(secret);
  return [
    secret,
    percent,
    percent.replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    Buffer.from(secret).toString('base64'),
    secret.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`),
    secret
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;'),
  ];
}

function leaksIn(text: string): readonly string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    spellings(secret)
      .filter((spelling) => text.includes(spelling))
      .map((spelling) => {
        const at = text.indexOf(spelling);
        return `${name} in: ${text.slice(Math.max(0, at - 120), at + spelling.length + 40)}`;
      }),
  );
}

const withPassword = (url: string, password: string) =>
  url.replace('://', `://default:${encodeURIComponent(password)}@`);

let redis: RedisServer;
let locked: RedisServer;
let echoing: Server;
let heroku: ScriptedHeroku;
let folder: string;

beforeAll(async () => {
  redis = await startRedis({ extra: ['--requirepass', 'sesame'] });
  locked = await startRedis({ extra: ['--requirepass', 'another password'] });
  heroku = await startScriptedHeroku();
  folder = await mkdtemp(join(tmpdir(), 'autoscaler-secrets-'));
  // A server that does not know AUTH repeats what came with it, as Redis does with every command it does not know.
  echoing = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const text = bytes.toString();
      const words = text.split('\r\n').join(' ');
      // Several commands may come at once, and each waits for its own answer.
      const commands = text.match(/\*\d+\r\n/g) ?? [];
      const answer = `-ERR unknown command, with args beginning with: ${words}\r\n`;
      socket.write(answer.repeat(commands.length));
    });
  }).listen(0, '127.0.0.1');
  await once(echoing, 'listening');
});

afterAll(async () => {
  echoing.close();
  await Promise.all([redis.stop(), locked.stop(), heroku.stop(), rm(folder, { recursive: true })]);
});

const open = () => redis.url.replace('://', '://:sesame@');
const echoingUrl = () => `redis://127.0.0.1:${String((echoing.address() as AddressInfo).port)}`;

function environment(changes: Record<string, string> = {}): Record<string, string> {
  return {
    REDIS_URL: open(),
    QUEUES: 'emails',
    HEROKU_APP_NAME: 'demo',
    HEROKU_API_KEY: secrets.apiKey,
    HEROKU_API_URL: heroku.url,
    METRICS_TOKEN: secrets.metricsToken,
    // A Heroku takes none of these.
    PUSHGATEWAY_URL: withPassword(heroku.url, secrets.pushPassword),
    REMOTE_WRITE_URL: withPassword(heroku.url, secrets.writePassword),
    PUSH_INTERVAL: '1s',
    WEBHOOK_URL: `${heroku.url}/services/${secrets.webhookPath}`,
    POLL_INTERVAL: '5s',
    LOG_LEVEL: 'trace',
    ...changes,
  };
}

/** Everything that a command lets out: both streams and, while it runs, every answer to whoever asks. */
async function told(words: readonly string[], changes: Record<string, string>): Promise<string> {
  const port = await freePort();
  const daemon = startDaemon(environment({ PORT: String(port), ...changes }), words);
  const isLasting = words[0] === 'run' || words[0] === 'web';
  const answers: string[] = [];
  if (isLasting) {
    // The line about PORT, and that of a tick.
    const wanted = words[0] === 'web' ? 1 : 2;
    const isUnderWay = () =>
      changes['NODE_OPTIONS'] === undefined &&
      daemon.log.filter(({ outcome, port }) => (outcome ?? port) !== undefined).length >= wanted;
    const deadlineMs = Date.now() + 12_000;
    let hasEnded = false as boolean;
    void daemon.finished.then(() => (hasEnded = true));
    while (!isUnderWay() && Date.now() < deadlineMs && !hasEnded)
      await new Promise((resolve) => setTimeout(resolve, 50));
    for (const path of ['/', '/metrics', '/status.json', '/healthz', '/none'])
      for (const token of [secrets.metricsToken, 'wrong'])
        answers.push(await asked(port, path, token));
    daemon.kill('SIGTERM');
  }
  const { stdout, stderr } = await daemon.finished;
  return [stdout, stderr, ...answers].join('\n');
}

async function asked(port: number, path: string, token: string): Promise<string> {
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const reply = await fetch(`http://127.0.0.1:${String(port)}${path}`, { headers });
    return JSON.stringify([...reply.headers]) + (await reply.text());
  } catch {
    return '';
  }
}

const ways = [['run'], ['once', '--json'], ['check']] as const;

/** Runs all commands that meet the trouble, and expects that it was met and that nothing came out. */
async function expectSilence(
  changes: Record<string, string>,
  sign: string | RegExp,
  commands: readonly (readonly string[])[] = ways,
): Promise<void> {
  const outputs = await Promise.all(commands.map((words) => told(words, changes)));
  for (const [index, output] of outputs.entries()) {
    expect(output, String(commands[index])).toMatch(sign);
    expect(leaksIn(output), String(commands[index])).toEqual([]);
  }
}

describe('no secret is let out', () => {
  test('when passwords are wrong', async () => {
    await expectSilence(
      {
        REDIS_URL: withPassword(locked.url, secrets.redisPassword),
        STATE_REDIS_URL: withPassword(locked.url, secrets.statePassword),
      },
      /WRONGPASS/,
      ways,
    );
  });

  test('when a server repeats the password it was given', async () => {
    const changes = {
      REDIS_URL: withPassword(echoingUrl(), secrets.redisPassword),
      STATE_REDIS_URL: withPassword(echoingUrl(), secrets.statePassword),
    };
    await expectSilence(changes, /unknown command/, [
      ...ways,
      ['once'],
      ['check', '--json'],
      ['web'],
    ]);
  });

  test('when TLS is refused', async () => {
    const tls = (password: string) =>
      withPassword(redis.url, password).replace('redis:', 'rediss:');
    await expectSilence(
      {
        REDIS_URL: tls(secrets.redisPassword),
        STATE_REDIS_URL: tls(secrets.statePassword),
        HEROKU_API_URL: heroku.url.replace('http:', 'https:'),
      },
      /QUEUE_UNREADABLE|Redis at/,
    );
  });

  const echo = spellings(secrets.apiKey).join(' ');
  const echoes: readonly (readonly [string, number, string])[] = [
    ...[401, 403, 404, 422, 429, 500, 200].map(
      (status) =>
        [`${status} in JSON`, status, JSON.stringify({ id: 'echo', message: echo })] as const,
    ),
    ['200 in text', 200, `Bearer ${secrets.apiKey} ${echo}`],
    // Where a long text is cut, half a secret must not stay.
    ...[250, 265, 280, 290].map(
      (length) =>
        [
          `403 that is cut after ${length}`,
          403,
          JSON.stringify({
            id: 'x',
            message: 'x'.repeat(length) + encodeURIComponent(secrets.apiKey),
          }),
        ] as const,
    ),
  ];
  test.each(echoes)('when Heroku repeats the token: %s', async (_what, status, body) => {
    const echoed: Fault = {
      kind: 'reply',
      status,
      body,
      headers: { 'Request-Id': secrets.apiKey, 'Oauth-Scope': secrets.apiKey },
    };
    heroku.always(echoed);
    const commands = status === 401 ? [['run'], ['check', '--json']] : [['once', '--json']];
    await expectSilence({}, /TARGET_|problem/, commands);
    heroku.always(null);
  });

  test('when a bug ends the process', async () => {
    const names = ['REDIS_URL', 'STATE_REDIS_URL', 'HEROKU_API_KEY', 'METRICS_TOKEN'];
    const planted = [...names, 'PUSHGATEWAY_URL', 'REMOTE_WRITE_URL']
      .map((name) => `process.env.${name}`)
      .join(' + " " + ');
    const file = join(folder, 'pools-for-bug.yml');
    await writeFile(file, poolsFile());
    for (const [index, failing] of [
      `throw new TypeError(text)`,
      `Promise.reject(Object.assign(new Error('x', { cause: new Error(text) }), { args: [text] }))`,
    ].entries()) {
      const script = join(folder, `bug-${String(index)}.mjs`);
      const fromFile = JSON.stringify(
        `${secrets.fileApiKey} ${encodeURIComponent(secrets.filePassword)}`,
      );
      await writeFile(
        script,
        `import { threadId } from 'node:worker_threads';
         const text = 'a bug with ' + ${planted} + ${fromFile};
         if (threadId === 0) setTimeout(() => { ${failing} }, 1500);`,
      );
      await expectSilence(
        {
          NODE_OPTIONS: `--import=file://${script}`,
          POOLS_FILE: file,
          REDIS_URL: withPassword(locked.url, secrets.redisPassword),
          STATE_REDIS_URL: withPassword(locked.url, secrets.statePassword),
        },
        /a bug ended the process: .*/,
        [['run']],
      );
    }
  });

  test('when a pools file with credentials is broken', async () => {
    const broken = [
      poolsFile().replace('    queues', '  queues'),
      poolsFile().replace('herokuApiKey: ', 'herokuApiKey: ['),
      poolsFile().replace('herokuApiKey: ', 'herokuApiKey: *'),
      poolsFile().replace('herokuApiKey: ', 'herokuApiKey: "'),
      poolsFile().replace('herokuApiKey: ', 'herokuApiKey: {a: b, a: '),
      poolsFile().replace('herokuApiKey: ', 'herokuApiKey:\n'),
      poolsFile().replace('redisUrl: redis:', 'redisUrl: http:'),
      poolsFile().replace('redisUrl: redis', 'herokuApiUrl: redis'),
      `${poolsFile()}\0\u0001`,
    ];
    const outputs = await Promise.all(
      broken.map(async (text, index) => {
        const file = join(folder, `broken-${String(index)}.yml`);
        await writeFile(file, text);
        return told(['once', '--json'], { POOLS_FILE: file });
      }),
    );
    for (const [index, output] of outputs.entries()) {
      expect(output, broken[index]).toContain('CONFIG_INVALID');
      expect(leaksIn(output), broken[index]).toEqual([]);
    }
  });

  test('when values are in the wrong variables', async () => {
    const long = `https://user:${'x'.repeat(90)}${encodeURIComponent(secrets.redisPassword)}@host`;
    const changes = {
      REDIS_URL: `amqp://x:${encodeURIComponent(secrets.redisPassword)}@host`,
      STATE_REDIS_URL: `redis://:${secrets.statePassword}@host`,
      HEROKU_API_URL: `ftp${long}`,
      MIN_WORKERS: long,
      QUEUES: `a,,redis://:${encodeURIComponent(secrets.statePassword)}@host`,
      HEROKU_API_KEY: `${secrets.apiKey} with spaces\n`,
      PUSHGATEWAY_URL: `http://x:${secrets.pushPassword}@host`,
      REMOTE_WRITE_URL: withPassword('ftp://host', secrets.writePassword),
    };
    await expectSilence(changes, /Invalid configuration|must be/, ways);
  });

  test('in a pools file that is right, whatever Heroku says', async () => {
    const file = join(folder, 'pools.yml');
    await writeFile(file, poolsFile());
    heroku.always({
      kind: 'reply',
      status: 401,
      body: JSON.stringify({
        id: 'x',
        message: [secrets.fileApiKey, ...spellings(secrets.fileApiKey)].join(' '),
      }),
    });
    await expectSilence({ POOLS_FILE: file }, /WRONGPASS|TARGET_REJECTED|problem/);
    heroku.always(null);
  });
});

function poolsFile(): string {
  const url = withPassword(locked.url, secrets.filePassword);
  return `pools:
  - name: emails
    queues: [emails]
    redisUrl: ${url}
    herokuApiKey: ${secrets.fileApiKey}
`;
}
