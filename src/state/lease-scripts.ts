/**
 * What a lease does on the server, each in one step and by the server's clock, so that the clocks of dynos do not
 * matter. A lease is a hash: `holder`, `fence`, `untilMs`, and the daemon that waits for it with the fewest pools:
 * `waiting`, `waitingPools`, `waitingUntilMs`. The fence outlives the holder.
 */
const preamble = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
local lease = redis.call('HMGET', KEYS[1], 'holder', 'fence', 'untilMs', 'waiting', 'waitingPools', 'waitingUntilMs')
local holder, fence, untilMs = lease[1] or '', tonumber(lease[2]) or 0, tonumber(lease[3]) or 0
`;

/** No lease is longer, whatever the interval of its pool. */
export const leaseMsMax = 30_000;

/** A daemon that waits says so at each look, about once a second. */
const waitingMs = 5_000;

/**
 * Takes or renews. KEYS: lease. ARGV: daemon, expiry in ms, how many pools it holds (empty when it does not wait), how
 * long the fence is kept in ms. Replies: holder, fence, ms left, who waits for it, and how many pools that one holds.
 * An end that lies further away than any lease can last is that of a server whose clock was set back, or damaged. Its
 * holder, if there is one, relies on no more than what is left to it then.
 */
export const takeScript = `${preamble}
local waiting, waitingPools = lease[4] or '', tonumber(lease[5]) or 0
if (tonumber(lease[6]) or 0) <= now then waiting = '' end
if untilMs > now + ${String(leaseMsMax)} then
  untilMs = now + ${String(leaseMsMax)}
  redis.call('HSET', KEYS[1], 'untilMs', whole(untilMs))
end
if holder ~= ARGV[1] and holder ~= '' and untilMs > now then
  local pools = tonumber(ARGV[3])
  if pools and (waiting == '' or waiting == ARGV[1] or pools < waitingPools) then
    redis.call('HSET', KEYS[1], 'waiting', ARGV[1], 'waitingPools', ARGV[3], 'waitingUntilMs', whole(now + ${String(waitingMs)}))
  end
  return { holder, fence, untilMs - now, '', 0 }
end
if holder ~= ARGV[1] then fence = fence + 1 end
if waiting == ARGV[1] then waiting = '' end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'fence', whole(fence), 'untilMs', whole(now + tonumber(ARGV[2])))
if waiting == '' then redis.call('HDEL', KEYS[1], 'waiting', 'waitingPools', 'waitingUntilMs') end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { ARGV[1], fence, tonumber(ARGV[2]), waiting, waitingPools }
`;

/** Makes another daemon the holder. KEYS: lease. ARGV: holder, the other, expiry in ms. */
export const handOverScript = `${preamble}
if holder ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'fence', whole(fence + 1), 'untilMs', whole(now + tonumber(ARGV[3])))
redis.call('HDEL', KEYS[1], 'waiting', 'waitingPools', 'waitingUntilMs')
return 1
`;

/** Gives it back. KEYS: lease. ARGV: daemon. */
export const releaseScript = `${preamble}
if lease[4] == ARGV[1] then redis.call('HDEL', KEYS[1], 'waiting', 'waitingPools', 'waitingUntilMs') end
if holder ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'holder', 'untilMs')
return 1
`;

/** Writes for the holder alone. KEYS: lease, what is written. ARGV: daemon, text, expiry of the text in ms. */
export const writeScript = `${preamble}
if holder ~= ARGV[1] or untilMs <= now then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
`;
