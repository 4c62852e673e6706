-- GET with one of the header lines of the file CALLERS, at random; with one line, always that one.
local requests, count = {}, 0
function init()
  for line in io.lines(os.getenv("CALLERS")) do
    count = count + 1
    local head = "GET " .. os.getenv("TARGET") .. " HTTP/1.1\r\nHost: " .. os.getenv("HOST_NAME") .. "\r\n"
    requests[count] = head .. (line == "" and "" or line .. "\r\n") .. "\r\n"
  end
  math.randomseed(os.time())
end
function request()
  if count == 1 then return requests[1] end
  return requests[math.random(count)]
end
