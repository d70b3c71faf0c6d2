/** Where a Redis server is, in the words of ioredis. */
export type ServerAddress = {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly isTls: boolean;
};

/** @throws {TypeError} without the URL in its text, for it holds a password */
export function serverAddress(text: string): ServerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'redis:' && url?.protocol !== 'rediss:')
    throw new TypeError('joinPool: redisUrl, or REDIS_URL, must begin with redis:// or rediss://.');
  return {
    // The brackets belong to the URL, not to the address.
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(url.port) || 6379,
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    db: Number(url.pathname.slice(1)) || 0,
    isTls: url.protocol === 'rediss:',
  };
}
