/**
 * The part of the probe that follows a queue's event stream, which tells how long jobs ran also when they are deleted
 * as soon as they end.
 *
 * It reads forward from the entry that was the last when the jobs that run were listed before. Of whatever ends after
 * that entry, the start is thereby known: it was in that list, or it started later and the stream says when. So reading
 * may stop anywhere, and the jobs it has found are a fair sample, long ones among them. If the entry is gone, because
 * the stream was cut, nothing is told.
 *
 * Entries hold what jobs returned, which may be megabytes. They never leave the server, and reading goes on in steps
 * that double, so that at most a few of them are touched.
 */
export const eventsScript = `
local entryBytesMax = 65536

local function following(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return ms .. '-' .. string.format('%.0f', tonumber(sequence) + 1)
end

-- How often the job was put back because its worker had let go of it.
local function stallsOf(prefix, id)
  spent = spent + 1
  return cut(try('HGET', prefix .. id, 'stc')) or false
end

local function finishedSince(prefix, from)
  local key = prefix .. 'events'
  local readyAt, startedAt, names = {}, {}, {}
  local finished, stalled, seen, bytes, page, position = {}, {}, 0, 0, 4, from

  local function take(id, fields)
    for i = 2, #fields, 2 do bytes = bytes + #fields[i] end
    local event, job = fields[2], fields[4]
    if fields[1] ~= 'event' or fields[3] ~= 'jobId' then return end
    local ms = string.match(id, '^%d+')
    if event == 'added' then
      names[job] = fields[5] == 'name' and string.sub(fields[6], 1, 128) or nil
    elseif event == 'waiting' then
      readyAt[job] = ms
    elseif event == 'active' then
      startedAt[job] = ms
    elseif event == 'completed' or event == 'failed' then
      finished[#finished + 1] = {
        cut(job), startedAt[job] or false, ms, names[job] or nameOf(prefix, job) or false, readyAt[job] or false
      }
      startedAt[job], readyAt[job] = nil, nil
    elseif event == 'stalled' then
      stalled[#stalled + 1] = { cut(job), stallsOf(prefix, job) }
    end
  end

  while seen < entriesMax and bytes < entryBytesMax do
    local entries = try('XRANGE', key, position, '+', 'COUNT', page) or {}
    spent = spent + 2 * #entries
    for i, entry in ipairs(entries) do
      if seen > 0 then
        take(entry[1], entry[2])
      elseif entry[1] ~= from then
        return {}, {}
      end
      seen = seen + 1
    end
    if #entries < page then break end
    position = following(entries[#entries][1])
    page = math.min(page * 2, entriesMax)
  end
  return finished, stalled
end

-- Of a job that was delayed, handed back or tried before, the job itself does not tell.
local function readySince(prefix, id)
  local job = describe(prefix, id)
  local isPlain = isFirstComeFirstServed(job) and not string.find(job[2], 'delay', 1, true)
  return isPlain and job[1]
end

-- The jobs that start next are the ones whose end will be seen, and then it may be too late to ask for their names and
-- since when they wait.
local function nextInLine(prefix, waiting, markers)
  local count = math.min(waiting, nextInLineMax)
  if count == 0 then return {} end
  local jobs = {}
  for _, id in ipairs(ask('LRANGE', prefix .. 'wait', -count - markers, -1 - markers)) do
    local name = nameOf(prefix, id)
    if name then jobs[#jobs + 1] = { cut(id), name, readySince(prefix, id) } end
  end
  return jobs
end

-- The wish holds '<' and an entry if there is one to read on from, then '>' if there is to be one for the next time.
local function follow(prefix, wish, waiting, markers)
  local from = string.match(wish, '<([%d-]+)')
  local finished, stalled = {}, {}
  if from then finished, stalled = finishedSince(prefix, from) end
  local isToBeFollowed = string.sub(wish, -1) == '>'
  local last = isToBeFollowed and try('XREVRANGE', prefix .. 'events', '+', '-', 'COUNT', 1)
  local entry = last and last[1] and last[1][1]
  if not entry then return finished, stalled, false, {} end
  return finished, stalled, entry, nextInLine(prefix, waiting, markers)
end
`;
