import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import {
  dashboardFiles,
  panelsOf,
  readDashboard,
  withVariables,
  type Variable,
} from '../support/dashboards.ts';
import { bullmqMajors, startApplication, type Application } from '../support/bullmq.ts';
import { startDaemon } from '../support/daemon.ts';
import { leaveOutUnless } from '../support/left-out.ts';
import { until } from '../support/pool.ts';
import { startPrometheus, type Prometheus } from '../support/prometheus.ts';
import { startRedis } from '../support/redis.ts';
import { startScriptedHeroku } from '../support/scripted-heroku.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

/** Grafana makes it four times the scrape interval. */
const rateInterval = '4s';
const metricsToken = 'a-token-of-the-test';

const pools = `pools:
  - { name: mail, processType: mailer, queues: [emails] }
  - { name: rest, processType: rest, queues: [other, paused], targetWait: 30s }
`;

type Point = readonly [timeSeconds: number, value: string];
type Series = {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
};

/** A quantile of nothing is NaN: a series, but an empty panel. */
function hasNumbers({ value, values = [] }: Series): boolean {
  return [...values, ...(value === undefined ? [] : [value])].some(([, each]) => each !== 'NaN');
}

describe.skipIf(leaveOutUnless('prometheus'))('a Prometheus that scrapes the daemon', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let prometheus: Prometheus;
  let startedAtSeconds: number;

  beforeAll(async () => {
    startedAtSeconds = Date.now() / 1000;
    const folder = await mkdtemp(join(tmpdir(), 'autoscaler-dashboards-'));
    cleanUps.push(() => rm(folder, { recursive: true }));
    const redis = await startRedis();
    cleanUps.push(() => redis.stop());
    const heroku = await startScriptedHeroku({
      mailer: { quantity: 1, size: 'Standard-1X' },
      rest: { quantity: 1, size: 'Standard-1X' },
    });
    cleanUps.push(() => heroku.stop());
    const application = startApplication(bullmqMajors[0].library, redis.url);
    cleanUps.push(() => application.close());

    await writeFile(join(folder, 'pools.yml'), pools);
    const port = await freePort();
    const daemon = startDaemon({
      REDIS_URL: redis.url,
      HEROKU_APP_NAME: 'demo',
      HEROKU_API_KEY: heroku.token,
      HEROKU_API_URL: heroku.url,
      POOLS_FILE: join(folder, 'pools.yml'),
      EVENTS_PER_WORKER: '10',
      POLL_INTERVAL: '1s',
      SCALE_DOWN_STABILIZATION: '0s',
      // So much that it limits nothing, and the panels of budgets have something to show.
      COST_BUDGET: '100000',
      PORT: String(port),
      METRICS_TOKEN: metricsToken,
    });
    cleanUps.push(async () => {
      daemon.kill('SIGKILL');
      await daemon.finished;
    });
    await daemon.until(({ pool, outcome }) => pool === 'mail' && outcome === 'held');
    prometheus = await startPrometheus(await prometheusConfig(folder, port));
    cleanUps.push(() => prometheus.stop());

    await Promise.all([scaleUpAndDown(application), endAndHandBackJobs(application, redis.url)]);
    await untilScraped('count_over_time(autoscaler_workers_current{pool="mail"}[1m]) > 10');
  }, 60_000);

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  /** Up, and down again with a drain that waits for a job, each seen by several scrapes. */
  async function scaleUpAndDown(application: Application): Promise<void> {
    const queue = application.queue('emails');
    const jobs = Array.from({ length: 45 }, () => ({ name: 'send', data: {} }));
    await untilScraped('autoscaler_workers_current{pool="mail"} == 1');
    await queue.addBulk(jobs);
    await untilScraped('autoscaler_workers_current{pool="mail"} == 5');
    const last = await application.hold('emails', { name: 'mailer.5' });
    await last.taken();
    await queue.drain();
    await untilScraped('autoscaler_blocked_workers{pool="mail"} > 0');
    last.release();
    await untilScraped('autoscaler_workers_current{pool="mail"} == 1');
  }

  /** In the other pool: jobs that a worker with the companion did, and one that it gives back when it must end. */
  async function endAndHandBackJobs(application: Application, redisUrl: string): Promise<void> {
    const queue = application.queue('other');
    const worker = startWorkerProcess(redisUrl, 'rest.1', {
      library: 'bullmq',
      workers: [{ queue: 'other', concurrency: 1 }],
      graceSeconds: 0,
    });
    cleanUps.push(() => worker.stop());
    await untilScraped('autoscaler_jobs_handed_back_total{pool="rest"} == 0');
    const ends = Array.from({ length: 100 }, () => ({ name: 'ends', data: { workMs: 400 } }));
    await queue.addBulk(ends);
    await untilScraped('rate(autoscaler_job_total_seconds_count{queue="other"}[4s]) > 0');
    await queue.add('hangs', { workMs: null }, { lifo: true });
    await until(() => worker.jobs('started').includes('hangs'));
    worker.terminate();
    await worker.exited;
    await queue.drain();
    await untilScraped('autoscaler_jobs_handed_back_total{pool="rest"} > 0');
  }

  const ask = async (query: string) => {
    const { result } = (await prometheus.get('query', { query })) as { result: readonly Series[] };
    return result;
  };

  /** Over all of the test, in the steps of a dashboard that is closely looked at. */
  const askRange = async (query: string) => {
    const range = { start: String(startedAtSeconds), end: String(Date.now() / 1000), step: '1' };
    const { result } = (await prometheus.get('query_range', { query, ...range })) as {
      result: readonly Series[];
    };
    return result;
  };

  async function untilScraped(query: string): Promise<void> {
    await vi.waitFor(
      async () => {
        expect(await ask(query), query).not.toEqual([]);
      },
      {
        timeout: 20_000,
        interval: 100,
      },
    );
  }

  /** What Grafana offers for a variable. */
  async function offered({ name, query }: Variable, values: Record<string, string>) {
    const metric = /^label_values\((.*), \w+\)$/.exec(query)?.[1] ?? '';
    return (await prometheus.get(`label/${name}/values`, {
      'match[]': withVariables(metric, values),
    })) as readonly string[];
  }

  describe.each(dashboardFiles)('%s', (file) => {
    const dashboard = readDashboard(file);
    const panels = panelsOf(dashboard);
    const all = { job: '.+', instance: '.+', pool: 'mail|rest', queue: '.+' };
    const values = { ...all, __rate_interval: rateInterval };

    test('has something to choose from for every variable', async () => {
      for (const variable of dashboard.templating.list.filter(({ type }) => type === 'query')) {
        const found = await offered(variable, all);
        expect(found, variable.name).not.toEqual([]);
        if (variable.name === 'pool') expect(found).toEqual(['mail', 'rest']);
      }
    });

    test.each(panels.map((panel) => [panel.title, panel.targets ?? []] as const))(
      'the panel "%s" shows numbers, named as its legend says',
      async (_, targets) => {
        for (const { expr, instant = false, legendFormat = '' } of targets) {
          const sent = withVariables(expr, values);
          const [shown] = (await (instant ? ask(sent) : askRange(sent))).filter(hasNumbers);
          expect(shown, expr).toBeDefined();
          for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
            expect(Object.keys(shown?.metric ?? {}), expr).toContain(label);
        }
      },
    );

    test('marks every change of what is wanted', async () => {
      for (const { expr } of dashboard.annotations.list)
        expect(await askRange(withVariables(expr, values)), expr).not.toEqual([]);
    });
  });

  test('evaluates every rule, and every recording says something', async () => {
    type Rule = { type: string; name: string; health: string; lastError?: string };
    const rules = async () => {
      const data = (await prometheus.get('rules')) as { groups: readonly { rules: Rule[] }[] };
      return data.groups.flatMap((group) => group.rules);
    };
    await expect
      .poll(async () => (await rules()).filter(({ health }) => health !== 'ok'))
      .toEqual([]);
    const recorded = (await rules()).filter(({ type }) => type === 'recording');
    expect(recorded.length).toBeGreaterThan(0);
    for (const { name } of recorded) expect(await askRange(name), name).not.toEqual([]);
  });

  test('raises no alert for a daemon that is well', async () => {
    expect(await askRange('ALERTS{alertstate="firing"}')).toEqual([]);
  });
});

/** The example that users begin with, pointed at the daemon and faster. */
async function prometheusConfig(folder: string, port: number): Promise<string> {
  const examples = resolve('config/prometheus');
  const example = parse(await readFile(join(examples, 'prometheus.example.yml'), 'utf8')) as {
    rule_files: string[];
    scrape_configs: [object];
  };
  const file = join(folder, 'prometheus.yml');
  const config = {
    ...example,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: example.rule_files.map((name) => join(examples, name)),
    scrape_configs: [
      {
        ...example.scrape_configs[0],
        scheme: 'http',
        authorization: { credentials: metricsToken },
        static_configs: [{ targets: [`127.0.0.1:${String(port)}`] }],
      },
    ],
  };
  await writeFile(file, stringify(config));
  return file;
}
