import { eventsScript } from './probe-script-events.ts';
import { lineScript } from './probe-script-line.ts';

/** Commands that one call may run before it leaves the remaining queues to the next: some 2 ms of the server's time. */
const commandsPerCall = 2_000;

/**
 * Reads queues in one round trip by commands that only read. It runs on the server because a busy queue takes some
 * thirty commands and an idle one two, and because nothing can change in between: a worker takes a job and sets its lock
 * in one step, so an active job without a lock has really lost its worker; and counts, the jobs that run and the last
 * entry of the event stream belong to the same moment.
 *
 * ARGV: the time in ms; how many active jobs may be examined and how many names looked up; how many busy queues must
 * share them; how many entries of each event stream may be read; then for each queue its key prefix (`bull:emails:`) and
 * which part of its event stream is wanted (`<1700000000000-3>`, see below).
 * Reply: a flat list of strings in JSON, which both sides handle faster than anything written by hand; `probe-reply.ts`
 * reads it. It ends where the call had done enough, so that no call keeps the server for long.
 */
export const probeScript = `
local now = tonumber(ARGV[1])
local activeLeft, namesLeft, busyLeft = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local entriesMax = tonumber(ARGV[5])

local spentMax = ${String(commandsPerCall)}
local activeOfQueueMax, namesOfQueueMax = 1000, 48
local manualRateLimit = '9007199254740991'
local dueBins, dueBinMs, dueListedMax = 24, 5000, 12
local horizonMs = dueBins * dueBinMs

local words = {}
local function say(word) words[#words + 1] = word end

-- Lua takes long to write a number.
local digits = {}
local function sayCount(count)
  local text = digits[count]
  if not text then
    text = string.format('%.0f', count)
    digits[count] = text
  end
  words[#words + 1] = text
end

-- The owner of the queue is shown the error, so it must name the key; that takes longer, so it is done when one is met.
local ask = redis.call
local function askNamingTheKey(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then error(command .. ' ' .. key .. ': ' .. reply.err, 0) end
  return reply
end

-- About as many as the commands that were run.
local spent = 0

-- What only helps to estimate must not make a queue unreadable: nothing is known then.
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) == 'table' and reply.err then return nil end
  return reply or nil
end

-- A name is what jobs are told apart by, not a place to keep data.
local function nameOf(prefix, id)
  spent = spent + 1
  local name = try('HGET', prefix .. id, 'name')
  return name and string.sub(name, 1, 128)
end
-- Every queue has its share of what is left, so that one with a very long list cannot hide what is in the others.
local function shareOf(left, most)
  return math.min(most, math.floor(left / math.max(1, busyLeft)))
end

-- A list is preceded by the number of its items, which is known only when they are said.
local function sayList(sayItems, ...)
  local place = #words + 1
  words[place] = ''
  local count = sayItems(...)
  words[place] = digits[count] or string.format('%.0f', count)
end
${lineScript}
${eventsScript}
-- Scores are ms * 4096 + sequence number, which has more digits than Lua prints by itself.
local function scoreAfter(ms)
  return string.format('%.0f', (ms + 1) * 4096 - 1)
end

-- A few jobs are listed; of many, each bin is counted. The next run of a scheduler is among them; runs after that one do
-- not exist yet, and whoever repeats so often is seen in the arrivals.
local function dueSoon(key)
  local bins, texts = {}, {}
  local from = '(' .. scoreAfter(now)
  local listed = ask('ZRANGEBYSCORE', key, from, scoreAfter(now + horizonMs), 'WITHSCORES', 'LIMIT', '0', dueListedMax)
  if #listed < 2 * dueListedMax then
    for i = 2, #listed, 2 do
      local bin = math.floor((math.floor(tonumber(listed[i]) / 4096) - now) / dueBinMs)
      bins[bin] = (bins[bin] or 0) + 1
    end
  else
    spent = spent + dueBins
    for bin = 0, dueBins - 1 do
      local to = scoreAfter(now + (bin + 1) * dueBinMs)
      bins[bin] = ask('ZCOUNT', key, from, to)
      from = '(' .. to
    end
  end
  for bin = 0, dueBins do
    if bins[bin] and bins[bin] > 0 then texts[#texts + 1] = bin * dueBinMs .. ':' .. bins[bin] end
  end
  return table.concat(texts, ',')
end

-- How many are due, when the first of all is, and what becomes due soon.
local function delayedJobs(key, delayed)
  if delayed == 0 then return 0, 0, '' end
  local firstAtMs = math.floor(tonumber(ask('ZRANGE', key, '0', '0', 'WITHSCORES')[2]) / 4096)
  if firstAtMs > now + horizonMs then return 0, firstAtMs, '' end
  local due = firstAtMs <= now and ask('ZCOUNT', key, '-inf', scoreAfter(now)) or 0
  return due, firstAtMs, due < delayed and dueSoon(key) or ''
end

local function rateLimitedForMs(prefix, max)
  local started = ask('GET', prefix .. 'limiter')
  if not started then return 0 end
  if started == manualRateLimit or (tonumber(started) or 0) >= (tonumber(max) or math.huge) then
    return ask('PTTL', prefix .. 'limiter')
  end
  return 0
end

local function locksOf(prefix, ids)
  local keys = {}
  for i, id in ipairs(ids) do keys[i] = prefix .. id .. ':lock' end
  local locks = {}
  for from = 1, #keys, 200 do
    local some = ask('MGET', unpack(keys, from, math.min(#keys, from + 199)))
    for i = 1, #some do locks[from + i - 1] = some[i] end
  end
  return locks
end

-- The oldest are examined: they are the most likely to be orphans, and those that run longest.
local function sayActive(prefix, active)
  local examined = math.min(active, shareOf(activeLeft, activeOfQueueMax))
  activeLeft = activeLeft - examined
  spent = spent + 1.5 * examined
  local ids = examined > 0 and ask('LRANGE', prefix .. 'active', -examined, '-1') or {}
  local locks, orphans = locksOf(prefix, ids), {}
  sayList(function()
    for i, id in ipairs(ids) do
      if locks[i] then
        local job = ask('HMGET', prefix .. id, 'pb', 'processedOn', 'name')
        say(id)
        say(job[1] or '')
        say(job[2] or '')
        say(job[3] and string.sub(job[3], 1, 128) or '')
      else
        orphans[#orphans + 1] = id
      end
    end
    return examined - #orphans
  end)
  sayCount(#orphans)
  for _, id in ipairs(orphans) do say(id) end
end

local function sayBusy(prefix, follow, isPaused, max)
  local waiting, markers, last = lengthAndMarkers(prefix .. 'wait')
  local heldBack = lengthAndMarkers(prefix .. 'paused')
  local prioritized = ask('ZCARD', prefix .. 'prioritized')
  local delayedKey = prefix .. 'delayed'
  local delayed = ask('ZCARD', delayedKey)
  local due, firstDueAtMs, soon = delayedJobs(delayedKey, delayed)
  local active = ask('LLEN', prefix .. 'active')
  sayCount(waiting)
  sayCount(heldBack)
  sayCount(prioritized)
  sayCount(delayed)
  sayCount(due)
  sayCount(firstDueAtMs)
  sayCount(active)
  sayCount(ask('ZCARD', prefix .. 'waiting-children'))
  sayCount(rateLimitedForMs(prefix, max))
  say(soon)
  spent = spent + 16

  sayList(sayWaiting, prefix, waiting, markers, last, prioritized)
  sayActive(prefix, active)
  sayList(sayNames, prefix, isPaused and 0 or waiting, markers, isPaused and 0 or prioritized, isPaused and 0 or due)
  sayFollowed(prefix, follow, waiting, markers)
end

-- Job counters of many queues in one command; those of which one is refused are asked for one by one.
local idsPerCommand, ids = 50, {}
local function addedTo(i)
  local place = (i - 6) / 2
  if place % idsPerCommand == 0 then
    local keys = {}
    for j = i, math.min(#ARGV, i + 2 * idsPerCommand - 2), 2 do keys[#keys + 1] = ARGV[j] .. 'id' end
    ids = try('MGET', unpack(keys))
  end
  if not ids then return try('GET', ARGV[i] .. 'id') end
  return ids[place % idsPerCommand + 1]
end

local function probe(i)
  local prefix, follow = ARGV[i], ARGV[i + 1]
  local added = addedTo(i)
  local meta = ask('HMGET', prefix .. 'meta', 'version', 'paused', 'concurrency', 'max')
  local occupied = ask('EXISTS', prefix .. 'wait', prefix .. 'paused', prefix .. 'active', prefix .. 'prioritized',
    prefix .. 'delayed', prefix .. 'waiting-children')
  local isBusy = occupied > 0 or string.sub(follow, 1, 1) == '<'
  say(isBusy and 'busy' or 'idle')
  say(meta[2] and 'paused' or '')
  say(tonumber(added) and added or '')
  say(meta[3] or '')
  say(meta[1] and 'v' .. meta[1] or '')
  spent = spent + 2
  if not isBusy then return end
  sayBusy(prefix, follow, meta[2], meta[4])
  busyLeft = busyLeft - 1
end

for i = 6, #ARGV, 2 do
  local said = #words
  local function takeBack()
    while #words > said do words[#words] = nil end
  end
  if not pcall(probe, i) then
    takeBack()
    ask = askNamingTheKey
    local isRead, why = pcall(probe, i)
    ask = redis.call
    if not isRead then
      takeBack()
      say('error')
      say(tostring(why))
    end
  end
  if spent >= spentMax then break end
end
return cjson.encode(words)
`;
