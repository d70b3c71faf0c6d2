import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import { startRedis, type RedisServer } from './redis.ts';

/** A Redis for the stores of one test file, and two ways to it: the daemon's own, and one to see what was stored. */
export type StateStage = { server: RedisServer; connection: RedisConnection; client: Redis };

/** Starts it before the tests of the file, empties it before each, and stops it after the last. */
export function useStateStage(): StateStage {
  const stage = {} as StateStage;
  beforeAll(async () => {
    stage.server = await startRedis();
    const { url } = stage.server;
    stage.connection = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
    stage.client = new Redis(url);
  });
  afterAll(async () => {
    stage.connection.close();
    stage.client.disconnect();
    await stage.server.stop();
  });
  beforeEach(() => stage.client.flushall());
  return stage;
}
