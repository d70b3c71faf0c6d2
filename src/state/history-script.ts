/**
 * Adds a tick to a pool's history in one step on the server.
 *
 * KEYS: the index of pools; the stream of all ticks; the other streams. ARGV: pool; when the tick began, in Unix ms; the
 * entry's version; the entry; share of the server's memory above which nothing is written; ms within which a tick of
 * another daemon makes this one stand aside (0 for never); expiry in ms; then for each stream a mark and its most bytes.
 *
 * The first stream takes every tick, and any other unless its last entry has the same mark; so nothing but the streams
 * themselves need be remembered between two ticks. What Redis counts as a stream's memory decides how much of its
 * beginning is let go.
 * Replies: used and most bytes of the server when it is too full; else nothing.
 */
export const addScript = `
local function bytesOf(key)
  local bytes = redis.pcall('MEMORY', 'USAGE', key, 'SAMPLES', '0')
  -- On a server that cannot tell, every entry counts as a large one.
  return type(bytes) == 'number' and bytes or redis.call('XLEN', key) * 1200
end

local info = redis.call('INFO', 'memory')
local used = tonumber(string.match(info, 'used_memory:(%d+)')) or 0
local most = tonumber(string.match(info, '\\nmaxmemory:(%d+)')) or 0
if most > 0 and used > most * tonumber(ARGV[5]) then return { used, most } end

local function lastOf(key)
  local entry = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  if not entry then return nil, 0, 0 end
  local ms, number = string.match(entry[1], '(%d+)-(%d+)')
  return entry[2][2], tonumber(ms), tonumber(number)
end

local ms, number = tonumber(ARGV[2]), 0
local mark, lastMs, lastNumber = lastOf(KEYS[2])
local silenceMs = tonumber(ARGV[6])
if mark == 'acting' and silenceMs > 0 and ms - lastMs < silenceMs then return {} end
-- A clock that was set back must not stop the history: ids only grow.
if ms <= lastMs then ms, number = lastMs, lastNumber + 1 end
local id = string.format('%.0f-%.0f', ms, number)

for i = 2, #KEYS do
  local key, mark, bytesMax = KEYS[i], ARGV[2 * i + 4], tonumber(ARGV[2 * i + 5])
  if i == 2 or lastOf(key) ~= mark then
    redis.call('XADD', key, id, 'mark', mark, ARGV[3], ARGV[4])
    local bytes, length = bytesOf(key), redis.call('XLEN', key)
    while bytes > bytesMax and length > 1 do
      length = math.max(1, math.floor(length * bytesMax / bytes))
      redis.call('XTRIM', key, 'MAXLEN', length)
      bytes = bytesOf(key)
    end
  end
  redis.call('PEXPIRE', key, ARGV[7])
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', tonumber(ARGV[2]) - tonumber(ARGV[7])))
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return {}
`;
