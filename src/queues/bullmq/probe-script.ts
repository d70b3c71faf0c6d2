import { eventsScript } from './probe-script-events.ts';
import { lineScript } from './probe-script-line.ts';

/** Commands that one call may run before it leaves the remaining queues to the next: 1 to 2 ms of the server's time. */
const commandsPerCall = 700;

/** Times of delayed jobs that become due soon are told to this. */
export const dueStepMs = 5_000;

/**
 * Reads queues in one round trip by commands that only read. It runs on the server because a busy queue takes some
 * twenty commands, and because nothing can change in between: a worker takes a job and sets its lock in one step, so an
 * active job without a lock has really lost its worker; and counts, the jobs that run and the last entry of the event
 * stream belong to the same moment.
 *
 * ARGV: the time in ms; how many active jobs may be examined, and how many names looked up of these and of jobs in the
 * line; how many busy queues must share them; of a queue whose events are followed, how many entries may be read and how
 * many names of the jobs that start next; the number of wishes, and each as a key prefix (`bull:emails:`) and what is
 * wanted of that queue: `s` for its settings although it may be idle, then which part of its event stream
 * (`s<1700000000000-3>`, see below). Then the key prefixes of all queues.
 * Reply: a list in JSON with an item for each queue, made of Redis's own replies as far as possible, since anything that
 * Lua itself does takes longer than the commands; `probe-reply.ts` reads it. It ends where the call had done enough, so
 * that no call keeps the server for long.
 */
export const probeScript = `
local now = tonumber(ARGV[1])
local activeLeft, activeNamesLeft, namesLeft = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local busyLeft, entriesMax, nextInLineMax = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local queues = ARGV
local firstQueue = 9 + 2 * tonumber(ARGV[8])
local wishes = {}
for i = 9, firstQueue - 1, 2 do wishes[ARGV[i]] = ARGV[i + 1] end

local spentMax = ${String(commandsPerCall)}
local activeOfQueueMax, namesOfQueueMax = 1000, 48
local nameBytesMax, optsBytesMax = 4096, 8192
local manualRateLimit = '9007199254740991'
local dueSteps, dueStepMs, dueListedMax = 24, ${String(dueStepMs)}, 12
local horizonMs = dueSteps * dueStepMs

-- Lua takes long to write a number.
local digits = setmetatable({}, { __index = function(known, count)
  local text = string.format('%.0f', count)
  known[count] = text
  return text
end })

-- What is empty is told as false, since Lua has one kind of table for lists and objects.
local function listOrFalse(list) return list[1] and list or false end

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

-- Whoever adds jobs may put megabytes into some fields. Those are not even copied: they count as missing.
local function isShort(key, field, bytesMax)
  spent = spent + 1
  return ask('HSTRLEN', key, field) <= bytesMax
end

-- Every queue has its share of what is left, so that one with a very long list cannot hide what is in the others.
local function shareOf(left, most)
  return math.max(0, math.min(most, math.floor(left / math.max(1, busyLeft))))
end
${lineScript}
${eventsScript}
-- Scores are ms * 4096 + sequence number, which has more digits than Lua prints by itself.
local function scoreAfter(ms)
  return string.format('%.0f', (ms + 1) * 4096 - 1)
end

-- Each step is counted, which takes longer than listing a few jobs.
local function countSteps(key)
  spent = spent + dueSteps
  local counts, from = {}, '(' .. scoreAfter(now)
  for step = 1, dueSteps do
    local to = scoreAfter(now + step * dueStepMs)
    counts[step] = digits[ask('ZCOUNT', key, from, to)]
    from = '(' .. to
  end
  return counts
end

-- How many are due, then the first scores of these and of those that become due soon; if there are too many of them, the
-- first alone and counts. The next run of a scheduler is among that; runs after it do not exist yet, and whoever repeats
-- so often is seen in the arrivals.
local nowScore, horizonScore = scoreAfter(now), scoreAfter(now + horizonMs)
local nowScoreNumber = tonumber(nowScore)
local function delayedJobs(key)
  local listed = ask('ZRANGEBYSCORE', key, '-inf', horizonScore, 'WITHSCORES', 'LIMIT', '0', dueListedMax)
  local due, scores = 0, {}
  for i = 2, #listed, 2 do
    if tonumber(listed[i]) <= nowScoreNumber then due = due + 1 end
    scores[#scores + 1] = listed[i]
  end
  if #scores < dueListedMax then return due, listOrFalse(scores), false end
  if due > 0 then due = ask('ZCOUNT', key, '-inf', nowScore) end
  return due, { scores[1] }, countSteps(key)
end

local function rateLimitedForMs(prefix, max)
  local started = ask('GET', prefix .. 'limiter')
  if not started then return 0 end
  if started == manualRateLimit or (tonumber(started) or 0) >= (tonumber(max) or math.huge) then
    return ask('PTTL', prefix .. 'limiter')
  end
  return 0
end

-- Which of the jobs have lost their worker. Hardly ever has one, so that it takes no more than counting the locks.
local locksPerCommand = 200
local function orphansAmong(prefix, ids)
  local areOrphans = {}
  for from = 1, #ids, locksPerCommand do
    local keys = {}
    for i = from, math.min(#ids, from + locksPerCommand - 1) do keys[#keys + 1] = prefix .. ids[i] .. ':lock' end
    if ask('EXISTS', unpack(keys)) < #keys then
      local locks = ask('MGET', unpack(keys))
      for i = 1, #keys do areOrphans[from + i - 1] = not locks[i] end
    end
  end
  return areOrphans
end

-- The oldest are examined: they are the most likely to be orphans, and those that run longest. They are named first too,
-- and all of a queue whose events are followed, where they will be seen to end; these also tell how often they stalled.
local function activeJobs(prefix, active, isFollowed)
  local examined = math.min(active, shareOf(activeLeft, activeOfQueueMax))
  if examined == 0 then return false, false end
  local named = isFollowed and examined or math.min(examined, shareOf(activeNamesLeft, activeOfQueueMax))
  activeLeft, activeNamesLeft = activeLeft - examined, activeNamesLeft - named
  spent = spent + 2 * examined
  local ids = ask('LRANGE', prefix .. 'active', -examined, '-1')
  local areOrphans, running, orphans = orphansAmong(prefix, ids), {}, {}
  for i = 1, examined do
    local id = ids[i]
    if areOrphans[i] then
      orphans[#orphans + 1] = cut(id)
    else
      local key = prefix .. id
      local isNamed = i > examined - named and isShort(key, 'name', nameBytesMax)
      running[#running + 1] = {
        cut(ask('HGET', key, 'pb')), ask('HGET', key, 'processedOn'), isNamed and cut(ask('HGET', key, 'name')), cut(id),
        isFollowed and cut(ask('HGET', key, 'stc')) or nil
      }
    end
  end
  return listOrFalse(running), listOrFalse(orphans)
end

-- Most queues use few of their keys. Once as many were found as there are, the others need not be asked for.
local unseen = 0
local function lengthOf(command, key)
  if unseen == 0 then return 0 end
  local length = ask(command, key)
  if length > 0 then unseen = unseen - 1 end
  return length
end

local function probeBusy(prefix, wish, occupied, added, settings)
  unseen, nameById = occupied, {}
  local waiting, markers, last = withoutMarker(prefix .. 'wait', lengthOf('LLEN', prefix .. 'wait'))
  local active = lengthOf('LLEN', prefix .. 'active')
  local delayed = lengthOf('ZCARD', prefix .. 'delayed')
  local prioritized = lengthOf('ZCARD', prefix .. 'prioritized')
  local parents = lengthOf('ZCARD', prefix .. 'waiting-children')
  local heldBack = withoutMarker(prefix .. 'paused', lengthOf('LLEN', prefix .. 'paused'))
  spent = spent + 9

  local due, dueScores, dueCounts = 0, false, false
  if delayed > 0 then due, dueScores, dueCounts = delayedJobs(prefix .. 'delayed') end
  local jobs = {}
  if waiting > 0 then addLongestWaiting(jobs, prefix, waiting, markers, last) end
  if prioritized > 0 then addFirstOfEachPriority(jobs, prefix, prioritized) end
  local running, orphans = activeJobs(prefix, active, wish and string.sub(wish, -1) == '>')
  local names = not settings[2] and namesInLine(prefix, waiting, markers, prioritized, due)
  local finished, stalled, entry, following = false, false, false, false
  if wish then finished, stalled, entry, following = follow(prefix, wish, waiting, markers) end
  busyLeft = busyLeft - 1
  return {
    added, settings, digits[waiting], digits[heldBack], digits[prioritized], digits[delayed], digits[due],
    dueScores, dueCounts, digits[active], digits[parents], digits[rateLimitedForMs(prefix, settings[4])],
    listOrFalse(jobs), running, orphans, names and listOrFalse(names), finished and listOrFalse(finished), entry,
    following and listOrFalse(following), stalled and listOrFalse(stalled)
  }
end

local function settingsOf(prefix)
  spent = spent + 1
  return ask('HMGET', prefix .. 'meta', 'version', 'paused', 'concurrency', 'max')
end

local function probe(prefix, added)
  local wish = wishes[prefix]
  local settings = wish and string.sub(wish, 1, 1) == 's' and settingsOf(prefix)
  local occupied = ask('EXISTS', prefix .. 'wait', prefix .. 'paused', prefix .. 'active', prefix .. 'prioritized',
    prefix .. 'delayed', prefix .. 'waiting-children')
  spent = spent + 1
  if occupied > 0 or wish and string.find(wish, '<', 1, true) then
    return probeBusy(prefix, wish, occupied, added, settings or settingsOf(prefix))
  end
  return settings and { added, settings } or added
end

local function probeNamingTheKey(prefix, added)
  ask = askNamingTheKey
  local isRead, reply = pcall(probe, prefix, added)
  ask = redis.call
  if isRead then return reply end
  return { error = tostring(reply) }
end

-- Job counters of many queues in one command; those of which one is refused are asked for one by one.
local queuesPerCommand, replies = 50, {}
local function countersOf(from, to)
  local keys = {}
  for i = from, to do keys[#keys + 1] = queues[i] .. 'id' end
  local counters = try('MGET', unpack(keys))
  if counters then return counters end
  counters = {}
  for i, key in ipairs(keys) do counters[i] = try('GET', key) or false end
  return counters
end

local from = firstQueue
while from <= #queues and spent < spentMax do
  local to = math.min(#queues, from + queuesPerCommand - 1)
  local counters = countersOf(from, to)
  for i = from, to do
    local added = counters[i - from + 1]
    local isRead, reply = pcall(probe, queues[i], added)
    if not isRead then reply = probeNamingTheKey(queues[i], added) end
    replies[i - firstQueue + 1] = reply
    if spent >= spentMax then break end
  end
  from = to + 1
end
return cjson.encode(replies)
`;
