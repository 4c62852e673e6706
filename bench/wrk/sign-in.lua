-- POST of a name and a password, of number 0 to USERS - 1 at random, in place of both %d in BODY.
-- With FROM=many each request names an address of its own in X-Forwarded-For. How each was answered: CODES.
local body, users, many = os.getenv("BODY"), tonumber(os.getenv("USERS")), os.getenv("FROM") == "many"
local threads = {}
function setup(thread)
  thread:set("share", #threads)
  table.insert(threads, thread)
end
function init()
  math.randomseed(os.time() + share * 7919)
  s200, s401, s429, s503, others = 0, 0, 0, 0, 0
end
function request()
  local text = body:gsub("%%d", tostring(math.random(users) - 1))
  local from = ""
  if many then
    from = "X-Forwarded-For: 11." .. math.random(0, 255) .. "." .. math.random(0, 255) .. "." .. math.random(0, 255) .. "\r\n"
  end
  return "POST " .. os.getenv("TARGET") .. " HTTP/1.1\r\nHost: " .. os.getenv("HOST_NAME") .. "\r\n" .. from
    .. "Content-Type: application/json\r\nContent-Length: " .. #text .. "\r\n\r\n" .. text
end
function response(status)
  if status == 200 then s200 = s200 + 1
  elseif status == 401 then s401 = s401 + 1
  elseif status == 429 then s429 = s429 + 1
  elseif status == 503 then s503 = s503 + 1
  else others = others + 1 end
end
function done()
  local sum = { 0, 0, 0, 0, 0 }
  for _, thread in ipairs(threads) do
    for at, name in ipairs({ "s200", "s401", "s429", "s503", "others" }) do sum[at] = sum[at] + thread:get(name) end
  end
  io.write(string.format("CODES %d %d %d %d %d\n", sum[1], sum[2], sum[3], sum[4], sum[5]))
end
