import type { Redis } from 'ioredis';

/** Every key of the server with its serialised value and whether it expires, to compare before and after. */
export async function contentsOf(client: Redis): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>();
  for (const key of (await client.keys('*')).sort()) {
    const value = await client.dumpBuffer(key);
    const expires = (await client.pttl(key)) >= 0;
    contents.set(key, `${value.toString('base64')} ${expires ? 'expires' : ''}`);
  }
  return contents;
}
