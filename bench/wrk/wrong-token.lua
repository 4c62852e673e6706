-- GET with an access token that nobody made, another one each time; from many addresses where FROM says so.
local head = ""
function init()
  math.randomseed(os.time())
  head = "GET " .. os.getenv("TARGET") .. " HTTP/1.1\r\nHost: " .. os.getenv("HOST_NAME") .. "\r\nAuthorization: Bearer "
end
function request()
  local text = "wrong." .. math.random(2147483647) .. "." .. math.random(2147483647)
  local from = ""
  if os.getenv("FROM") == "many" then
    from = "\r\nX-Forwarded-For: 10." .. math.random(0, 255) .. "." .. math.random(0, 255) .. "." .. math.random(0, 255)
  end
  return head .. text .. from .. "\r\n\r\n"
end
