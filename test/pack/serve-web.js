import { createServer } from 'node:http'
import handler from './web.js'

/** What runs a web-standard handler, as platforms bring it. */
createServer(async (request, response) => {
  const answer = await handler.fetch(
    new Request(`http://localhost${request.url}`, { headers: new Headers(request.headers) }),
  )
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
}).listen(process.env.PORT, () => console.log(`http://localhost:${process.env.PORT}`))
