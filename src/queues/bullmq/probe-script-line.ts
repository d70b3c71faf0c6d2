/** The part of the probe that looks at the jobs that wait: since when, and what they are called. */
export const lineScript = `
-- Up to version 4, the tail of a list may be a marker ('0:' and a time), which is no job.
local function withoutMarker(key, length)
  if length == 0 then return 0, 0 end
  local last = ask('LINDEX', key, '-1')
  if string.sub(last, 1, 2) == '0:' then return length - 1, 1 end
  return length, 0, last
end

-- Names and ids are what jobs and workers are told apart by, not a place to keep data.
local function cut(name)
  if name and #name > 128 then return string.sub(name, 1, 128) end
  return name
end

-- Of the queue at hand: one job may be asked for as the next to start, as one along the line, and as one that ended.
local nameById = {}
local function nameOf(prefix, id)
  local name = nameById[id]
  if name == nil then
    spent = spent + 2
    local bytes = try('HSTRLEN', prefix .. id, 'name')
    name = bytes and bytes <= nameBytesMax and cut(try('HGET', prefix .. id, 'name')) or false
    nameById[id] = name
  end
  return name or nil
end

-- As the reply tells of a waiting job.
local function describe(prefix, id)
  local key = prefix .. id
  local opts = isShort(key, 'opts', optsBytesMax) and 'opts' or ''
  local job = ask('HMGET', key, 'timestamp', opts, 'processedOn', 'ats', 'atm', '')
  job[6] = ask('EXISTS', key .. ':processed', key .. ':failed', key .. ':unsuccessful') > 0
  spent = spent + 2
  return job
end

-- Such a job was pushed at the head of the list when it became ready: whatever lies nearer the head came later.
local function isFirstComeFirstServed(job)
  local timestamp, opts = job[1], job[2]
  if not opts or job[3] or job[4] or job[6] then return false end
  -- Most jobs have neither word in their options, and looking for it is cheaper than decoding.
  if not string.find(opts, 'lifo', 1, true) and not string.find(opts, 'delay', 1, true) then
    return string.sub(opts, 1, 1) == '{' and (tonumber(timestamp) or math.huge) <= now
  end
  local isJson, options = pcall(cjson.decode, opts)
  if not isJson or type(options) ~= 'table' then return false end
  local addedAt = tonumber(timestamp) or math.huge
  return options.lifo ~= true and addedAt + (tonumber(options.delay) or 0) <= now
end

-- Workers take from the tail. Jobs that jump the queue (LIFO, handed back, stalled, parents of a flow) are pushed there
-- and form a zone in front of all others, the newest at the very tail. So the job that waits longest lies at the border
-- of that zone, which is looked for at doubling distances, then by halving. Without such jobs it is the tail itself.
local function addLongestWaiting(jobs, prefix, length, markers, last)
  local key = prefix .. 'wait'
  local function visit(position)
    local job = describe(prefix, position == 1 and last or ask('LINDEX', key, -position - markers))
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
    local newest = prefix .. ask('LINDEX', key, -length - markers)
    local opts = isShort(newest, 'opts', optsBytesMax) and ask('HGET', newest, 'opts')
    if opts and string.find(opts, 'delay', 1, true) and not visit(length) then jobs[#jobs] = nil end
  end
end

-- Scores are priority * 2^32 + counter, where the counter of a job that was handed back is 0.
local prioritiesMax, counterRange = 16, 2 ^ 32
local function addFirstOfEachPriority(jobs, prefix, prioritized)
  local key, from = prefix .. 'prioritized', '-inf'
  if prioritized == 1 then
    jobs[#jobs + 1] = describe(prefix, ask('ZRANGE', key, '0', '0')[1])
    return
  end
  for _ = 1, math.min(prioritiesMax, prioritized) do
    local first = ask('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', '0', '1')
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

-- A short line is read at once when that is cheaper than place by place.
local function placesOf(key, length, count, isList, markers)
  if length == 0 then return nil end
  if length <= 4 * count then
    local ids = isList and ask('LRANGE', key, -length - markers, -1 - markers) or ask('ZRANGE', key, '0', length - 1)
    return function(place) return ids[isList and length - place or place + 1] end
  end
  if isList then return function(place) return ask('LINDEX', key, -place - 1 - markers) end end
  return function(place) return ask('ZRANGE', key, place, place)[1] end
end

-- Workers take waiting jobs first, then prioritized ones; those that are due join when a worker asks for work.
local function namesInLine(prefix, waiting, markers, prioritized, due)
  local total = waiting + prioritized + due
  local count = math.min(total, shareOf(namesLeft, namesOfQueueMax))
  if count == 0 then return false end
  namesLeft = namesLeft - count
  local first = placesOf(prefix .. 'wait', waiting, count, true, markers)
  local second = placesOf(prefix .. 'prioritized', prioritized, count)
  local third = placesOf(prefix .. 'delayed', due, count)
  local names = {}
  for step = 1, count do
    local place = math.floor((step - 0.5) * total / count)
    local id
    if place < waiting then
      id = first(place)
    elseif place < waiting + prioritized then
      id = second(place - waiting)
    else
      id = third(place - waiting - prioritized)
    end
    names[#names + 1] = id and nameOf(prefix, id) or nil
  end
  return names
end
`;
