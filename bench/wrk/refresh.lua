-- POST of one refresh token after the other of the file CALLERS; the answer's new one goes to the end of the line.
local line, first, last, shares = {}, 1, 0, 0
function setup(thread)
  shares = shares + 1
  thread:set("share", shares)
end
function init()
  local count = 0
  for token in io.lines(os.getenv("CALLERS")) do
    count = count + 1
    if count % 2 == share - 1 then
      last = last + 1
      line[last] = token
    end
  end
end
function request()
  local token = line[first]
  if token == nil then token = "none" else line[first] = nil; first = first + 1 end
  local body = '{"refresh_token":"' .. token .. '"}'
  return "POST " .. os.getenv("TARGET") .. " HTTP/1.1\r\nHost: " .. os.getenv("HOST_NAME")
    .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end
function response(status, _, body)
  local token = status == 200 and body:match('"refresh_token":"([^"]+)"')
  if token then last = last + 1; line[last] = token end
end
