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
 * Reply: one text of lines, since a long array costs the client more than all the rest. It ends where the call had done
 * enough, so that no call keeps the server for long; `probe-reply.ts` reads it.
 */
export const probeScript = `
local now = tonumber(ARGV[1])
local activeLeft, namesLeft, busyLeft = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local entriesMax = tonumber(ARGV[5])

local commandsMax = ${String(commandsPerCall)}
local activeOfQueueMax, namesOfQueueMax = 1000, 48
local manualRateLimit = '9007199254740991'
local dueBins, dueBinMs, dueListedMax = 24, 5000, 12

local lines = {}
local function say(line) lines[#lines + 1] = line end

-- What users wrote must not look like the end of a line.
local escapes = { ['\\n'] = '\\\\n', ['\\\\'] = '\\\\\\\\' }
local function sayText(text)
  if string.find(text, '[\\n\\\\]') then text = string.gsub(text, '[\\n\\\\]', escapes) end
  lines[#lines + 1] = text
end

-- The owner of the queue is shown the error, so it must name the key.
local asked = 0
local function ask(command, key, ...)
  asked = asked + 1
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then error(command .. ' ' .. key .. ': ' .. reply.err, 0) end
  return reply
end

-- What only helps to estimate must not make a queue unreadable: nothing is known then.
local function try(command, ...)
  asked = asked + 1
  local reply = redis.pcall(command, ...)
  if type(reply) == 'table' and reply.err then return nil end
  return reply or nil
end

-- A name is what jobs are told apart by, not a place to keep data.
local function nameOf(prefix, id)
  local name = try('HGET', prefix .. id, 'name')
  return name and string.sub(name, 1, 128)
end
${lineScript}
${eventsScript}
-- Every queue has its share of what is left, so that one with a very long list cannot hide what is in the others.
local function shareOf(left, most)
  return math.min(most, math.floor(left / math.max(1, busyLeft)))
end

-- Scores are ms * 4096 + sequence number, which has more digits than Lua prints by itself.
local function scoreAfter(ms)
  return string.format('%.0f', (ms + 1) * 4096 - 1)
end

-- A few jobs are listed; of many, each bin is counted. The next run of a scheduler is among them; runs after that one do
-- not exist yet, and whoever repeats so often is seen in the arrivals.
local function dueSoon(key, due, delayed)
  local last = now + dueBins * dueBinMs
  if delayed == due then return '' end
  local bins, words = {}, {}
  local from, to = '(' .. scoreAfter(now), scoreAfter(last)
  local listed = ask('ZRANGEBYSCORE', key, from, to, 'WITHSCORES', 'LIMIT', 0, dueListedMax)
  if #listed < 2 * dueListedMax then
    for i = 2, #listed, 2 do
      local bin = math.min(dueBins - 1, math.floor((math.floor(tonumber(listed[i]) / 4096) - now) / dueBinMs))
      bins[bin] = (bins[bin] or 0) + 1
    end
  else
    for bin = 0, dueBins - 1 do
      local fromMs = now + bin * dueBinMs
      bins[bin] = ask('ZCOUNT', key, '(' .. scoreAfter(fromMs), scoreAfter(fromMs + dueBinMs))
    end
  end
  for bin = 0, dueBins - 1 do
    if bins[bin] and bins[bin] > 0 then words[#words + 1] = bin * dueBinMs .. ':' .. bins[bin] end
  end
  return table.concat(words, ',')
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
  local running, orphans = 0, {}
  if examined > 0 then
    local ids = ask('LRANGE', prefix .. 'active', -examined, -1)
    local locks = locksOf(prefix, ids)
    for i, id in ipairs(ids) do
      if locks[i] then
        local job = ask('HMGET', prefix .. id, 'pb', 'processedOn', 'name')
        running = running + 1
        sayText(id)
        sayText(job[1] or '')
        sayText(job[2] or '')
        sayText(string.sub(job[3] or '', 1, 128))
      else
        orphans[#orphans + 1] = id
      end
    end
    for _, id in ipairs(orphans) do sayText(id) end
  end
  return running, #orphans
end

local function sayBusy(prefix, follow, isPaused, max)
  local waiting, markers, last = lengthAndMarkers(prefix .. 'wait')
  local heldBack = lengthAndMarkers(prefix .. 'paused')
  local prioritized = ask('ZCARD', prefix .. 'prioritized')
  local delayedKey = prefix .. 'delayed'
  local delayed = ask('ZCARD', delayedKey)
  local due, firstDueAtMs, soon = 0, 0, ''
  if delayed > 0 then
    due = ask('ZCOUNT', delayedKey, '-inf', scoreAfter(now))
    if due > 0 then firstDueAtMs = math.floor(tonumber(ask('ZRANGE', delayedKey, 0, 0, 'WITHSCORES')[2]) / 4096) end
    soon = dueSoon(delayedKey, due, delayed)
  end
  local active = ask('LLEN', prefix .. 'active')
  local parents = ask('ZCARD', prefix .. 'waiting-children')

  local limitedForMs = rateLimitedForMs(prefix, max)
  local header = #lines + 1
  say('')
  local described = sayWaiting(prefix, waiting, markers, last, prioritized)
  local running, orphans = sayActive(prefix, active)
  local names = 0
  if not isPaused then names = sayNames(prefix, waiting, markers, prioritized, due) end
  local finished, mark, line = sayFollowed(prefix, follow, waiting, markers)
  local unfinished = waiting + heldBack + prioritized + delayed + active + parents
  lines[header] = table.concat({ waiting, heldBack, prioritized, delayed, due, string.format('%.0f', firstDueAtMs),
    active, string.format('%.0f', unfinished), limitedForMs, described, running, orphans, names, finished, line, mark,
    soon }, ' ')
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
  say((isBusy and 'busy ' or 'idle ') .. (meta[2] and '1 ' or '0 ') .. (tonumber(added) and added or '-') .. ' '
    .. (tonumber(meta[3]) and meta[3] or '-'))
  sayText(meta[1] and ':' .. meta[1] or '')
  if not isBusy then return end
  sayBusy(prefix, follow, meta[2], meta[4])
  busyLeft = busyLeft - 1
end

for i = 6, #ARGV, 2 do
  local said = #lines
  local isRead, why = pcall(probe, i)
  if not isRead then
    while #lines > said do lines[#lines] = nil end
    say('error')
    sayText(tostring(why))
  end
  if asked >= commandsMax then break end
end
return table.concat(lines, '\\n')
`;
