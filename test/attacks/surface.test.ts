import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { requests } from '../route-matrix.ts'
import { createAttacker, listBodyRoutes, listFields, takesSomething } from './surface.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('the request that the attacks start from succeeds on every route, so that only the attack is refused', async () => {
  const attacker = createAttacker(t)
  for (const { method, url } of t.app.routeTable.routes) {
    const answer = await attacker.send(await attacker.prepare(`${method} ${url}`))
    assert.ok(answer.status < 300, `${method} ${url}: ${answer.text} Give it a line in test/route-matrix.ts`)
  }
})

test('the attacks find every schema: fields in the body, the query and the path of each route that has them', () => {
  const fields = listFields(t)
  const places = [
    ['body', 'body'],
    ['querystring', 'query'],
    ['params', 'path'],
  ] as const
  for (const { method, url, schema } of t.app.routeTable.routes)
    for (const [part, place] of places) {
      const found = fields.filter(field => field.route === `${method} ${url}` && field.place === place)
      assert.equal(found.length > 0, takesSomething(schema?.[part]), `${method} ${url}: ${part}`)
    }
  for (const { place } of fields.filter(({ route }) => route.startsWith('GET ')))
    assert.notEqual(place, 'body', 'a GET has no body')
})

test('every route with a body or a query has one in the table of requests, and every line there a route', () => {
  const routes = t.app.routeTable.routes.map(({ method, url }) => `${method} ${url}`)
  for (const route of Object.keys(requests)) assert.ok(routes.includes(route), route)
  for (const route of listBodyRoutes(t)) assert.ok(requests[route]?.body !== undefined, route)
  for (const { route, place, at } of listFields(t))
    if (place === 'query' && !route.startsWith('HEAD '))
      assert.ok(String(at[0]) in (requests[route]?.query ?? {}), `${route}: ${at[0]}`)
})
