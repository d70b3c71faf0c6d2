/** Finds the companions of dynos (`joinPool`) in the reply of CLIENT LIST; the names of their dynos, whatever the pool. */
export function companionsIn(clientList: string): readonly string[] {
  const found = clientList.matchAll(/(?:^| )name=backlog-autoscaler:worker:(\S+)/gm);
  return [...new Set([...found].map(([, dyno = '']) => dyno))];
}

/** A `Worker` opens two connections, whatever its concurrency: one waits for jobs, the other does everything else. */
export const connectionsPerWorkerObject = 2;
