import type { ChainableCommander } from 'ioredis';

/** Text that was stored, as a value. Anybody may write to a Redis: what is no JSON is null, which no shape allows. */
export function storedValue(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

/** Runs the commands of a MULTI. @throws what the first that failed says, which the reply to EXEC alone does not tell */
export async function executeAll(commands: ChainableCommander): Promise<void> {
  for (const [error] of (await commands.exec()) ?? []) if (error !== null) throw error;
}
