-- What wrk sends: one walk over a fleet, device after device, around and around. Some visits of a device, every tenth
-- say, bring a new version, at another time for each; the others repeat the one before. A visit's version follows from
-- its number alone, so a walk goes on where the run before it ended.
--
-- Arguments:
--   1. the file of requests: a line for each device, as requests.py writes it. A visit puts values in the place of
--      $version, seven digits, and $clock, the twelve digits of the boot clock.
--   2. the number of the first visit
--   3. "walk"; or "still" to send the first request for ever, which wrk does without calling Lua; or "refused" to walk
--      and to count as wrong every answer but 401
--   4. every how many visits of a device bring a new version
-- Prints what the run has counted as one line, key=value.

-- when the devices have started; as in requests.py
local BOOTED_MS = 1577836800000

local requests = {}
local threads = {}
-- globals: what done() reads
position = 0
mode = "walk"
change_every = 0
wrong = 0

-- cuts a request at its marks: every second part is the name of a value, the last one empty
local function parts_of(line)
  local text = line:gsub("%$host", wrk.headers["Host"]):gsub("\t", "\r\n")
  local parts = {}
  for plain, name in (text .. "$"):gmatch("([^$]*)%$(%l*)") do
    parts[#parts + 1] = plain
    parts[#parts + 1] = name
  end
  return parts
end

-- The boot clock follows the time in whole seconds. The number of the pass makes every visit of a device later than the
-- one before, also within a second.
local function next_request()
  local device = position % #requests
  local pass = (position - device) / #requests
  local values = {
    version = ("%07d"):format(math.floor((pass + device) / change_every)),
    clock = ("%d"):format(os.time() * 1000 + pass - BOOTED_MS),
    [""] = "",
  }
  local parts = requests[device + 1]
  local texts = {}
  for n = 1, #parts, 2 do
    texts[n] = parts[n]
    texts[n + 1] = values[parts[n + 1]]
  end
  return table.concat(texts)
end

local function visit()
  local text = next_request()
  position = position + 1
  return text
end

-- wrk asks once to check the script, and does not send what it gets
local function first_call()
  request = visit
  return next_request()
end

function setup(thread)
  threads[#threads + 1] = thread
end

local function count_wrong(status)
  if status ~= 401 then
    wrong = wrong + 1
  end
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    requests[#requests + 1] = parts_of(line)
  end
  position = tonumber(arguments[2])
  mode = arguments[3]
  change_every = tonumber(arguments[4])
  if mode == "still" then
    local still = next_request()
    wrk.format = function() return still end
  else
    request = first_call
    response = mode == "refused" and count_wrong or nil
  end
end

function done(summary, latency)
  local errors = summary.errors
  local counts = {
    requests = summary.requests,
    seconds = summary.duration / 1e6,
    p50_ms = latency:percentile(50) / 1e3,
    p99_ms = latency:percentile(99) / 1e3,
    slowest_ms = latency.max / 1e3,
    wrong = threads[1]:get("mode") == "refused" and threads[1]:get("wrong") or errors.status,
    broken = errors.connect + errors.read + errors.write,
    late = errors.timeout,
    position = threads[1]:get("position"),
  }
  local parts = {}
  for name, count in pairs(counts) do
    parts[#parts + 1] = name .. "=" .. string.format("%.10g", count)
  end
  print("counted " .. table.concat(parts, " "))
end
