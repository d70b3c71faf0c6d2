/**
 * Reads many queues in one round trip by commands that only read. It runs on the server because a busy queue takes some
 * twenty commands and an idle one two, and because nothing can change in between: a worker takes a job and sets its lock
 * in one step, so an active job without a lock has really lost its worker.
 *
 * ARGV: the time in ms, how many active jobs may be examined, then the key prefix of each queue (`bull:emails:`).
 * Reply: a JSON array with one `QueueProbe` for each prefix. Empty lists are left out, since Lua encodes them as objects,
 * and fields of users' jobs stay the strings they are, since the encoder refuses some numbers and rounds others.
 */
export const probeScript = `
local now = tonumber(ARGV[1])
local activeBudget = tonumber(ARGV[2])

local manualRateLimit = '9007199254740991'
local prioritiesMax = 16
local counterRange = 2 ^ 32

-- The owner of the queue is shown the error, so it must name the key.
local function ask(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then error(command .. ' ' .. key .. ': ' .. reply.err, 0) end
  return reply
end

local function describe(prefix, id)
  local key = prefix .. id
  local fields = ask('HMGET', key, 'timestamp', 'opts', 'processedOn', 'ats', 'atm')
  local children = ask('EXISTS', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
  return {
    timestamp = fields[1] or nil,
    opts = fields[2] or nil,
    processedOn = fields[3] or nil,
    starts = fields[4] or nil,
    attemptsMade = fields[5] or nil,
    waitedForChildren = children > 0 or nil
  }
end

-- Such a job was pushed at the head of the list when it became ready: whatever lies nearer the head came later.
local function isFirstComeFirstServed(job)
  if job.processedOn or job.starts or job.waitedForChildren then return false end
  local isJson, options = pcall(cjson.decode, job.opts)
  if not isJson or type(options) ~= 'table' then return false end
  local addedAt = tonumber(job.timestamp) or math.huge
  return options.lifo ~= true and addedAt + (tonumber(options.delay) or 0) <= now
end

-- Workers take from the tail. Jobs that jump the queue (LIFO, handed back, stalled, parents of a flow) are pushed there
-- and form a zone in front of all others, the newest at the very tail. So the job that waits longest lies at the border
-- of that zone, which is looked for at doubling distances, then by halving. Without such jobs it is the tail itself.
local function addLongestWaiting(jobs, prefix, length, markers)
  local function visit(position)
    local job = describe(prefix, ask('LINDEX', prefix .. 'wait', -position - markers))
    jobs[#jobs + 1] = job
    return isFirstComeFirstServed(job)
  end

  local zone, border, position = 0, nil, 1
  while not border and zone < length do
    if visit(position) then border = position else zone = position end
    position = math.min(position * 2, length)
  end
  while border and border - zone > 1 do
    local middle = math.floor((zone + border) / 2)
    if visit(middle) then border = middle else zone = middle end
  end

  -- A delayed job that was promoted late, for want of a worker, has been ready for longer than its place tells.
  -- A retried job has not: when it became ready is only estimated, and too early rather than too late.
  if border and border < length then
    local head = describe(prefix, ask('LINDEX', prefix .. 'wait', 0))
    if isFirstComeFirstServed(head) then jobs[#jobs + 1] = head end
  end
end

-- Scores are priority * 2^32 + counter, where the counter of a job that was handed back is 0.
local function addFirstOfEachPriority(jobs, prefix)
  local from = '-inf'
  for _ = 1, prioritiesMax do
    local first = ask('ZRANGEBYSCORE', prefix .. 'prioritized', from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if not first[1] then return end
    jobs[#jobs + 1] = describe(prefix, first[1])
    local score = tonumber(first[2])
    if score % counterRange == 0 then
      from = '(' .. first[2]
    else
      from = string.format('%.0f', (math.floor(score / counterRange) + 1) * counterRange)
    end
  end
end

-- Up to version 4, the tail of a list may be a marker ('0:' and a time), which is no job.
local function lengthAndMarkers(key)
  local length = ask('LLEN', key)
  local isMarked = length > 0 and string.sub(ask('LINDEX', key, -1), 1, 2) == '0:'
  if isMarked then return length - 1, 1 end
  return length, 0
end

local function addWaiting(queue, prefix)
  local markers
  queue.waiting, markers = lengthAndMarkers(prefix .. 'wait')
  queue.heldBack = lengthAndMarkers(prefix .. 'paused')
  queue.prioritized = ask('ZCARD', prefix .. 'prioritized')
  local jobs = {}
  if queue.waiting > 0 then addLongestWaiting(jobs, prefix, queue.waiting, markers) end
  if queue.prioritized > 0 then addFirstOfEachPriority(jobs, prefix) end
  if #jobs > 0 then queue.waitingJobs = jobs end
end

-- Scores are ms * 4096 + sequence number, which has more digits than Lua prints by itself.
local function addDelayed(queue, prefix)
  local key = prefix .. 'delayed'
  queue.delayed = ask('ZCARD', key)
  if queue.delayed == 0 then return end
  queue.due = ask('ZCOUNT', key, '-inf', string.format('%.0f', (now + 1) * 4096 - 1))
  queue.firstDueAtMs = math.floor(tonumber(ask('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) / 4096)
end

local function addRateLimit(queue, prefix, max)
  local started = ask('GET', prefix .. 'limiter')
  if not started then return end
  local limit = tonumber(max) or math.huge
  if started == manualRateLimit or (tonumber(started) or 0) >= limit then
    queue.rateLimitedForMs = ask('PTTL', prefix .. 'limiter')
  end
end

-- The oldest are examined: they are the most likely to be orphans, and those that run longest.
local function addActive(queue, prefix, share)
  queue.active = ask('LLEN', prefix .. 'active')
  local examined = math.min(queue.active, share)
  if examined == 0 then return 0 end
  local running, orphanIds = {}, {}
  for _, id in ipairs(ask('LRANGE', prefix .. 'active', -examined, -1)) do
    if ask('EXISTS', prefix .. id .. ':lock') == 0 then
      orphanIds[#orphanIds + 1] = id
    else
      local job = ask('HMGET', prefix .. id, 'pb', 'processedOn')
      running[#running + 1] = { id = id, worker = job[1] or nil, processedOn = job[2] or nil }
    end
  end
  if #running > 0 then queue.running = running end
  if #orphanIds > 0 then queue.orphanIds = orphanIds end
  return examined
end

local function probe(prefix, share)
  local meta = ask('HMGET', prefix .. 'meta', 'version', 'paused', 'concurrency', 'max')
  local queue = { version = meta[1] or nil, isPaused = meta[2] and true or nil, concurrency = meta[3] or nil }
  local occupied = ask('EXISTS', prefix .. 'wait', prefix .. 'paused', prefix .. 'active',
    prefix .. 'prioritized', prefix .. 'delayed')
  if occupied == 0 then return cjson.encode(queue), 0 end
  addWaiting(queue, prefix)
  addDelayed(queue, prefix)
  addRateLimit(queue, prefix, meta[4])
  local examined = addActive(queue, prefix, share)
  return cjson.encode(queue), examined
end

local reply = {}
for i = 3, #ARGV do
  -- Every queue has its share of what is left, so that one with a very long list cannot hide the orphans of the others.
  local share = math.floor(activeBudget / (#ARGV - i + 1))
  local isRead, probeOrError, examined = pcall(probe, ARGV[i], share)
  if isRead then
    reply[#reply + 1] = probeOrError
    activeBudget = activeBudget - examined
  else
    reply[#reply + 1] = cjson.encode({ error = tostring(probeOrError) })
  end
end
return '[' .. table.concat(reply, ',') .. ']'
`;
