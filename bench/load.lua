-- What wrk sends: one walk over a fleet, device after device, around and around. Every tenth visit of a device brings
-- a new version, at another time for each; the others repeat the one before. A visit's version follows from its number
-- alone, so a walk goes on where the run before it ended.
--
-- Arguments:
--   1. the file of requests: a line for each device, its path and its header lines, with tabs between them
--   2. the number of the first visit
--   3. "walk"; or "still" to send the first request for ever, which wrk does without calling Lua; or "refused" to walk
--      and to count as wrong every answer but 401
-- Prints what the run has counted as one line, key=value.

local CHANGE_EVERY = 10
local BODY = '{"version": "1.0.%07d"}'

local heads = {}
local bodies = {}
local threads = {}
-- globals: what done() reads
position = 0
mode = "walk"
wrong = 0

local function head(line)
  local path, headers = line:match("^([^\t]+)\t(.+)$")
  local lines = {
    "POST " .. path .. " HTTP/1.1",
    "Host: " .. wrk.headers["Host"],
    "Content-Type: application/json",
    "Content-Length: " .. #BODY:format(0),
    (headers:gsub("\t", "\r\n")),
  }
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function body(version)
  if not bodies[version] then
    bodies[version] = BODY:format(version)
  end
  return bodies[version]
end

local function next_request()
  local device = position % #heads
  local pass = (position - device) / #heads
  return heads[device + 1] .. body(math.floor((pass + device) / CHANGE_EVERY))
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
    heads[#heads + 1] = head(line)
  end
  position = tonumber(arguments[2])
  mode = arguments[3]
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
