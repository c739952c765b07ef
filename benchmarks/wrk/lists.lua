-- Asks for lists and prints what it found as one line of JSON.
-- wrk ... -s lists.lua URL -- single|batch users.txt k
--   single  the users of the file one after the other, again and again
--   batch   all of them in each request
local requests, place = {}, 0

function init(args)
  local ids = {}
  for user in io.lines(args[2]) do
    ids[#ids + 1] = user
  end
  if args[1] == "batch" then
    wrk.headers["Content-Type"] = "application/json"
    local body = '{"user_ids":["' .. table.concat(ids, '","') .. '"],"k":' .. args[3] .. '}'
    requests[1] = wrk.format("POST", "/v1/recommendations:batch", nil, body)
    return
  end
  for n, user in ipairs(ids) do
    requests[n] = wrk.format("GET", "/v1/users/" .. user .. "/recommendations?k=" .. args[3])
  end
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%.0f,"p99":%.0f,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
