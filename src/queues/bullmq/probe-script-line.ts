/** The part of the probe that looks at the jobs that wait: since when, and what they are called. */
export const lineScript = `
-- Up to version 4, the tail of a list may be a marker ('0:' and a time), which is no job.
local function withoutMarker(key, length)
  if length == 0 then return 0, 0 end
  local last = ask('LINDEX', key, '-1')
  if string.sub(last, 1, 2) == '0:' then return length - 1, 1 end
  return length, 0, last
end

local function describe(prefix, id)
  local key = prefix .. id
  local fields = ask('HMGET', key, 'timestamp', 'opts', 'processedOn', 'ats', 'atm', 'name')
  local isParent = ask('EXISTS', key .. ':processed', key .. ':failed', key .. ':unsuccessful') > 0
  spent = spent + 3
  for i = 1, 5 do say(fields[i] or '') end
  say(isParent and 'parent' or '')
  return fields, isParent
end

-- Such a job was pushed at the head of the list when it became ready: whatever lies nearer the head came later.
local function isFirstComeFirstServed(fields, isParent)
  local timestamp, opts = fields[1], fields[2]
  if not opts or fields[3] or fields[4] or isParent then return false end
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
local nameOfFirst
local function sayLongestWaiting(prefix, length, markers, last)
  local described = 0
  local function visit(position)
    local id = position == 1 and last or ask('LINDEX', prefix .. 'wait', -position - markers)
    described = described + 1
    local fields, isParent = describe(prefix, id)
    if position == 1 then nameOfFirst = fields[6] end
    return isFirstComeFirstServed(fields, isParent)
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
    local options = ask('HGET', prefix .. ask('LINDEX', prefix .. 'wait', -length - markers), 'opts')
    if not options or not string.find(options, 'delay', 1, true) then return described end
    local saidBefore = said
    if visit(length) then return described end
    described = described - 1
    takeBackTo(saidBefore)
  end
  return described
end

-- Scores are priority * 2^32 + counter, where the counter of a job that was handed back is 0.
local prioritiesMax, counterRange = 16, 2 ^ 32
local function sayFirstOfEachPriority(prefix, prioritized)
  local from = '-inf'
  for described = 0, math.min(prioritiesMax, prioritized) - 1 do
    local first = ask('ZRANGEBYSCORE', prefix .. 'prioritized', from, '+inf', 'WITHSCORES', 'LIMIT', '0', '1')
    if not first[1] then return described end
    describe(prefix, first[1])
    local score = tonumber(first[2])
    if score % counterRange == 0 then
      from = '(' .. first[2]
    else
      from = string.format('%.0f', (math.floor(score / counterRange) + 1) * counterRange)
    end
  end
  return math.min(prioritiesMax, prioritized)
end

local function sayWaiting(prefix, waiting, markers, last, prioritized)
  local described = 0
  if waiting > 0 then described = sayLongestWaiting(prefix, waiting, markers, last) end
  if prioritized > 0 then described = described + sayFirstOfEachPriority(prefix, prioritized) end
  return described
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
local function sayNames(prefix, waiting, markers, prioritized, due)
  local total = waiting + prioritized + due
  if total == 0 then return 0 end
  local count = math.min(total, math.max(1, shareOf(namesLeft, namesOfQueueMax)))
  namesLeft = namesLeft - count
  -- Where there is time for one only, it is one that is known already.
  if count == 1 and waiting > 0 and nameOfFirst then
    say(string.sub(nameOfFirst, 1, 128))
    return 1
  end
  local found = 0
  local first = placesOf(prefix .. 'wait', waiting, count, true, markers)
  local second = placesOf(prefix .. 'prioritized', prioritized, count)
  local third = placesOf(prefix .. 'delayed', due, count)
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
    local name = id and nameOf(prefix, id)
    if name then
      say(name)
      found = found + 1
    end
  end
  return found
end
`;
