import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { reviewAccess } from '../../packages/gatewright/src/access-review/review.ts'
import { signOff } from '../../packages/gatewright/src/access-review/sign-off.ts'
import { blockIssuer } from '../../packages/gatewright/src/administration/issuers.ts'
import { disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { keyExample, madeKeyExample } from '../../packages/gatewright/src/http/api-key-view.ts'
import { madeUpEventId } from '../../packages/gatewright/src/http/audit-view.ts'
import { madeUpChallenge } from '../../packages/gatewright/src/http/passkey-schemas.ts'
import { listOperations } from '../../packages/gatewright/src/http/reference/operations.ts'
import type { DeclaredRoute } from '../../packages/gatewright/src/http/route-table.ts'
import {
  findingExample,
  reviewExample,
  signOffExample,
} from '../../packages/gatewright/src/http/routes/access-review.ts'
import { madeUpResetToken } from '../../packages/gatewright/src/http/routes/email.ts'
import { linkExample } from '../../packages/gatewright/src/http/routes/identities.ts'
import { madeUpUndoToken } from '../../packages/gatewright/src/http/routes/own-devices.ts'
import { roleExample } from '../../packages/gatewright/src/http/routes/roles.ts'
import {
  madeUpId,
  madeUpPair,
  madeUpRecoveryCode,
  madeUpStatement,
  madeUpTotp,
} from '../../packages/gatewright/src/http/schemas.ts'
import { csrfExample } from '../../packages/gatewright/src/http/session-cookie.ts'
import { forgetFactors } from '../factors/enrolled.ts'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { type ExampleIssuer, startExampleIssuer } from '../issuers/example-issuer.ts'
import { matrix, parseMatrix, requests } from '../route-matrix.ts'
import { type Sender, things } from '../senders.ts'
import { headersOf, openBrowser } from '../sessions/browser.ts'
import { createJudge, findOperation, follow, readOpenApi } from './document.ts'

/*
 * Replays the example of every operation. Who sends it, what its `:id` names, and the tokens in its body
 * come from the route matrix, If-Match from a GET before it: a new route needs its example and its line
 * there, and nothing here.
 */

const reader = await startTestApp()
after(() => reader.close())
const document = await readOpenApi(reader)
const judge = createJudge(document)

const device = { 'user-agent': 'curl/8.5.0' }

/** The user that examples speak of, with one of each thing, so that no list is empty. */
const makeCaller = async (t: TestApp, role: string): Promise<Sender & Caller> => {
  const caller = await signUp(t, 'alice', [role])
  for (const make of Object.values(things)) await make(t, caller, { ...caller, headers: {} })
  await forgetFactors(t.engine, caller.id)
  const { body } = await t.call('POST', 'login', {
    body: { username: caller.username, password },
    headers: device,
  })
  const access: string = body.access_token
  const headers = { ...device, authorization: `Bearer ${access}` }
  return { ...caller, access, refresh: body.refresh_token, headers }
}

const { rows } = parseMatrix(matrix)

/** Who may send it, the first of these, and the line of the matrix that says so. */
const findSender = (route: string) => {
  for (const name of ['anonymous', 'owner', 'administrator'] as const) {
    const row = rows.find(line => line.route === route && line.expected[name].startsWith('2'))
    if (row !== undefined) return { name, of: row.of }
  }
  return assert.fail(`${route}: nobody is let in by the route matrix`)
}

/** Fields of a body that only this run can know. */
const known = ['owner_id', 'token', 'refresh_token', 'response', 'mfa_token', 'undo_token', 'code', 'digest']

const fillBody = (example: unknown, real: unknown): unknown => {
  if (typeof example !== 'object' || example === null) return example
  const values = (real ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(example).map(([name, value]) => [name, known.includes(name) ? values[name] : value]),
  )
}

type Holding = 'an access token' | 'a session cookie'

const makeSender = async (t: TestApp, caller: Sender & Caller, holding: Holding): Promise<Sender> => {
  if (holding === 'an access token') return caller
  const browser = await openBrowser(t, caller.username, device)
  return { ...caller, headers: { ...device, ...headersOf(t, browser) } }
}

/** What is read is what is changed. */
const readVersion = async (t: TestApp, path: string, { headers }: Sender) => {
  const { etag } = (await t.call('GET', path, { headers })).headers
  return { 'if-match': String(etag) }
}

const untilKeysAreRead = async ({ engine }: TestApp): Promise<void> => {
  while (engine.federation.healthOf(linkExample.issuer)?.readAt === undefined)
    await new Promise(resolve => setImmediate(resolve))
}

type Arrange = (t: TestApp, id: string, caller: Caller) => Promise<unknown>

const linkTo = ({ engine }: TestApp, user_id: string): Promise<unknown> =>
  engine.db
    .insertInto('identities')
    .values({ ...linkExample, user_id, created_at: engine.clock.now() })
    .onConflict(conflict => conflict.columns(['issuer', 'subject']).doUpdateSet({ user_id }))
    .execute()

/** What an example tells of, and its route does not name. */
const arranged: Readonly<Record<string, Arrange>> = {
  'GET /api/v1/admin/access-review/sign-offs': async (t, _, { id }) => {
    const { digest } = await reviewAccess(t.engine, 90)
    const comment = signOffExample.comment
    await signOff(t.engine, { digest, unusedFor: 90, comment }, { ...commandLineOrigin, actor: id })
  },
  'GET /api/v1/admin/access-review': async t => {
    const { id } = await signUp(t, 'bob', ['moderator'])
    await disableUser(t.engine, { userId: id, origin: commandLineOrigin })
  },
  'POST /api/v1/admin/explain': t => signUp(t, 'bob'),
  'GET /api/v1/admin/roles': (t, _, caller) => things.role?.(t, caller, { headers: {} }) ?? Promise.resolve(),
  'GET /api/v1/admin/users/:id/identities': linkTo,
  'GET /api/v1/me/export': (t, _, { id }) => linkTo(t, id),
  'GET /api/v1/admin/issuers': untilKeysAreRead,
  'GET /api/v1/admin/audit/chain': async ({ engine: { sealer } }) => {
    for (const step of [sealer.look, sealer.sign, sealer.look]) await step()
  },
  'POST /api/v1/admin/issuers/unblock': ({ engine }) =>
    blockIssuer(engine, { issuer: linkExample.issuer, origin: commandLineOrigin }),
  'POST /api/v1/admin/users/:id/identities': ({ engine }) => engine.db.deleteFrom('identities').execute(),
}

/** What an example needs to be in the settings, and who answers for it. */
const settled: Readonly<Record<string, () => Promise<ExampleIssuer>>> = {
  'GET /api/v1/admin/issuers': startExampleIssuer,
  'POST /api/v1/admin/issuers/block': startExampleIssuer,
  'POST /api/v1/admin/issuers/unblock': startExampleIssuer,
}

/** On a database of its own: some examples end a session or change a password. */
const replay = async (t: TestApp, { method, url, reference }: DeclaredRoute, holding: Holding) => {
  const route = `${method} ${url}`
  const { query = {}, headers, body } = reference?.example ?? {}
  const { name, of } = findSender(route)
  const caller = await makeCaller(t, name === 'administrator' ? 'admin' : 'user')
  const sender: Sender = name === 'anonymous' ? { headers: device } : await makeSender(t, caller, holding)
  const id = await things[of]?.(t, caller, sender)
  await arranged[route]?.(t, id ?? '', caller)
  const real = await requests[route]?.body?.({ t, owner: caller, sender, of })
  const search = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))
  const path = `${url.replace(':id', id ?? ':id')}${search.size > 0 ? `?${search}` : ''}`
  return t.call(method, path, {
    headers: {
      ...sender.headers,
      ...headers,
      ...(headers?.['if-match'] !== undefined && (await readVersion(t, path, sender))),
    },
    body: fillBody(body, real),
  })
}

const madeUp: readonly unknown[] = [
  madeUpId,
  madeUpStatement,
  madeUpChallenge,
  csrfExample.csrf_token,
  ...Object.values(madeUpPair),
  madeUpRecoveryCode,
  madeUpResetToken,
  madeUpUndoToken,
  keyExample.prefix,
  roleExample.name,
  madeUpEventId,
  madeKeyExample.key,
  ...Object.values(madeUpTotp),
  reviewExample.digest,
  findingExample.console,
].filter(value => value !== 'Bearer')
const isMadeUp = (value: unknown): boolean =>
  madeUp.includes(value) || typeof value === 'number' || /^\d{4}-\d\d-\d\d(T|$)/.test(String(value))

type Fields = Readonly<Record<string, unknown>>

/** Whether an answer is the example, but for what is made up or counted. */
const isAsShown = (shown: unknown, actual: unknown): boolean => {
  if (isMadeUp(shown)) return typeof actual === typeof shown
  if (typeof shown !== 'object' || shown === null) return actual === shown
  if (Array.isArray(shown))
    return Array.isArray(actual) && shown.every(part => actual.some(other => isAsShown(part, other)))
  return Object.entries(shown).every(([name, part]) => isAsShown(part, (actual as Fields | null)?.[name]))
}

type Documented = {
  readonly headers: Fields
  readonly content?: Readonly<
    Record<
      string,
      {
        readonly schema: unknown
        readonly example?: unknown
        readonly examples?: Readonly<Record<'bearer' | 'cookie', { readonly value: unknown }>>
      }
    >
  >
}

/** Only the second answer to one key has it. */
const isAlwaysThere = (header: string): boolean => header !== 'Idempotency-Replayed'

const findAnswer = (name: string) => {
  const { responses = {} } = findOperation(document, name) ?? {}
  const [status = ''] = Object.keys(responses).filter(key => key.startsWith('2'))
  const documented = follow(document, responses[status]) as Documented
  return { status, documented, json: documented.content?.['application/json'] }
}

for (const route of listOperations(reader.app.routeTable.routes)) {
  const name = `${route.method} ${route.url}`
  test(`the example of ${name} is answered as it says`, async context => {
    assert.ok(route.reference, `${name}: declare config.reference with an example`)
    const { status, documented, json } = findAnswer(name)
    const issuer = await settled[name]?.()
    const t = await startTestApp(issuer?.settings)
    context.after(async () => {
      await t.close()
      await issuer?.close()
    })
    const answer = await replay(t, route, 'an access token')
    assert.equal(String(answer.status), status, answer.text)
    for (const header of Object.keys(documented.headers).filter(isAlwaysThere))
      assert.ok(answer.headers[header.toLowerCase()], `${header} is documented and not there`)
    if (json === undefined) return assert.equal(answer.text, '')
    assert.deepEqual(judge(json.schema, answer.body), [], 'the answer breaks its schema')
    const example = json.example ?? json.examples?.bearer.value
    assert.ok(example, `${name}: give its example an answer`)
    assert.deepEqual(judge(json.schema, example), [], 'the example breaks its schema')
    if (!isAsShown(example, answer.body)) assert.deepEqual(answer.body, example)
  })

  if (route.reference?.example.answerToCookie !== undefined)
    test(`the example of ${name} is answered to a session cookie as it says`, async context => {
      const { status, json } = findAnswer(name)
      const t = await startTestApp()
      context.after(() => t.close())
      const answer = await replay(t, route, 'a session cookie')
      assert.equal(String(answer.status), status, answer.text)
      const example = json?.examples?.cookie.value
      assert.deepEqual(judge(json?.schema, answer.body), [], 'the answer breaks its schema')
      assert.deepEqual(judge(json?.schema, example), [], 'the example breaks its schema')
      if (!isAsShown(example, answer.body)) assert.deepEqual(answer.body, example)
      assert.deepEqual(Object.keys(answer.body), Object.keys(example as Fields))
    })

  test(`the example of ${name} sends what its schemas take`, () => {
    const operation = findOperation(document, name)
    const content = (operation?.requestBody as { content: NonNullable<Documented['content']> } | undefined)
      ?.content['application/json']
    // A route that takes no body shows none.
    if (content !== undefined) assert.deepEqual(judge(content.schema, content.example ?? null), [])
    for (const { schema, example } of operation?.parameters ?? [])
      if (example !== undefined) assert.deepEqual(judge(schema, example), [])
  })
}
