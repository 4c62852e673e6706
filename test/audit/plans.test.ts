import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Query, readPlan } from '../blog/query-plans.ts'
import { testsDatabase } from '../environment.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addManyEvents, auditSearches } from './many-events.ts'

let t: TestApp
let chief: Caller
let database: SecondConnection
const queries: Query[] = []
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
  database = openSecondConnection(t.engine)
  await addManyEvents(database.run, { count: 50_000, now: t.clock.now() })
  if (testsDatabase.kind === 'postgres') await database.run('analyze')
  const { db } = t.engine
  const logged = db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      queries.push(db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  Object.assign(t.engine, { db: logged })
})
after(async () => {
  database.close()
  await t.close()
})

for (const [name, query] of Object.entries(auditSearches))
  test(`the audit log ${name} is found by an index, in its order, also behind a cursor`, async () => {
    let cursor: string | undefined
    for (let page = 0; page < 2; page++) {
      queries.length = 0
      const asked = new URLSearchParams({ ...query, limit: '10', ...(cursor && { cursor }) })
      const { status, body, text } = await t.call('GET', `admin/audit?${asked}`, { token: chief.access })
      assert.equal(status, 200, text)
      const searches = queries.filter(({ sql }) => sql.includes('from "audit_events"'))
      assert.ok(searches.length > 0)
      for (const search of searches) {
        const { steps, scans, sorted } = readPlan(database, search)
        const plan = [search.sql, ...steps].join('\n  ')
        // Seals are none here, so their table is as quickly read.
        assert.deepEqual(
          scans.filter(table => !table.includes('audit_seals')),
          [],
          plan,
        )
        // A request leaves a handful of events.
        if (name === 'by request') assert.match(plan, /audit_events_by_(last_)?request|_pkey|PRIMARY KEY/)
        else assert.ok(sorted <= 2_000, plan)
      }
      cursor = body.next_cursor
      if (cursor === null) return
    }
  })
