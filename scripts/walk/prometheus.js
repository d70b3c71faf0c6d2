import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { freePort } from '../../dist/demo/heroku/free-port.js';

const examples = resolve('config/prometheus');
const scrapeSeconds = 2;
/** Four scrapes, as Grafana takes it. */
export const rateInterval = `${String(4 * scrapeSeconds)}s`;

/** A real Prometheus with the example's configuration, pointed at the demo and faster. */
export async function startPrometheus(directory, port) {
  const listen = `127.0.0.1:${String(await freePort())}`;
  const file = join(directory, 'prometheus.yml');
  writeFileSync(file, configFor(port));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'prometheus')}`,
      `--web.listen-address=${listen}`,
    ],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const isReady = () =>
    fetch(`http://${listen}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error('Prometheus did not come up');
    await sleep(100);
  }
  return {
    /** The `data` of what an endpoint of the HTTP API answers. */
    async ask(path, parameters = {}) {
      const query = new URLSearchParams(parameters).toString();
      const answer = await (await fetch(`http://${listen}/api/v1/${path}?${query}`)).json();
      if (answer.status !== 'success') throw new Error(`${answer.error}: ${query}`);
      return answer.data;
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function configFor(port) {
  const example = parse(readFileSync(join(examples, 'prometheus.example.yml'), 'utf8'));
  const [scrape] = example.scrape_configs;
  const { authorization, ...open } = scrape;
  return stringify({
    ...example,
    global: { scrape_interval: `${String(scrapeSeconds)}s`, evaluation_interval: '2s' },
    rule_files: example.rule_files.map((name) => join(examples, name)),
    scrape_configs: [
      { ...open, scheme: 'http', static_configs: [{ targets: [`127.0.0.1:${String(port)}`] }] },
    ],
  });
}
