import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { AccessToken } from '../../packages/gatewright/src/tokens/access-token.ts'
import { type Caller, signUp, type TestApp } from '../harness.ts'
import { startMatrixApp } from '../issuers/matrix-issuer.ts'
import { matrix, parseMatrix, type Row, requests } from '../route-matrix.ts'
import {
  type Cast,
  makeCast,
  makeOwner,
  type Sender,
  type SenderName,
  senderNames,
  senders,
  things,
} from '../senders.ts'
import { createSeeded } from '../sessions/seeded.ts'

let t: TestApp
let chief: Caller
let claims: AccessToken
let cast: Cast
before(async () => {
  t = await startMatrixApp()
  chief = await signUp(t, 'chief', ['admin'])
  claims = await t.engine.accessTokens.verify(chief.access)
  cast = await makeCast(t)
})
after(() => t.close())

/** An administrator's token as of a sign-in at this moment, with a second factor. */
const tokenOfChief = async (): Promise<string> => {
  const now = t.clock.now()
  const sign = await t.engine.accessTokens.getSign()
  return sign({ ...claims, amr: ['pwd', 'otp', 'mfa'], authTime: now, expiresAt: now + 10 * minute })
}

const { rows } = parseMatrix(matrix)
/** Two credentials are none that could be explained. */
const names = senderNames.filter(name => name !== 'both')

/** What the gate says of who may; any other answer comes from behind it. */
const ofTheGate = [
  'invalid_token',
  'token_expired',
  'session_ended',
  'insufficient_permission',
  'insufficient_user_authentication',
  'second_factor_required',
]

type Occasion = { readonly row: Row; readonly name: SenderName }

const explain = async (body: object) => {
  const answer = await t.call('POST', 'admin/explain', { token: await tokenOfChief(), body })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

/** Whom the caller would name to be told of: by credential, by name, or by none. */
const whoOf = ({ headers, username }: Sender, byName: boolean) => {
  if (byName && username !== undefined) return { user: username }
  const token = headers.authorization?.replace('Bearer ', '') ?? headers['x-api-key']
  return token === undefined ? {} : { token }
}

/** Somebody new where the request may take the session with it; else the one of the shared cast. */
const takeSender = async ({ route }: Row, name: SenderName) => {
  if (!requests[route]?.spends) return { owner: cast.owner, sender: cast.senders[name] }
  const owner = await makeOwner(t)
  return { owner, sender: await senders[name](t, owner) }
}

/** The same request explained, and sent. */
const ask = async ({ row, name }: Occasion, byName: boolean) => {
  const [method = '', url = ''] = row.route.split(' ')
  const { owner, sender } = await takeSender(row, name)
  const id = await things[row.of]?.(t, owner, sender)
  const path = url.replace(':id', id ?? ':id')
  const body = await requests[row.route]?.body?.({ t, owner, sender, of: row.of })
  const query = new URLSearchParams(requests[row.route]?.query).toString()
  const headers = { ...sender.headers, ...requests[row.route]?.headers }
  const explained = await explain({
    ...whoOf(sender, byName),
    route: `${method} ${path}${query && `?${query}`}`,
  })
  const answer = await t.call(method, path + (query && `?${query}`), { headers, body })
  return { explained, answer, method, path }
}

/** It judges credentials by itself: the gate lets everybody through to it. */
const judgesItself = ({ route }: Row): boolean =>
  t.app.routeTable.routes.some(
    ({ method, url, rule }) => `${method} ${url}` === route && rule.readsOwnCredential === true,
  )
/** Rows whose rule is not the last word: the handler holds the caller to more, as it says in `furtherAccess`. */
const asksForMore = ({ route, of }: Row): boolean => route === 'POST /api/v1/users' && of === 'with roles'
/** It is no user here: what belongs to somebody can't be made with it, whatever it may. */
const ownsNothing = ({ route }: Row, name: SenderName): boolean =>
  name === 'foreign' && /^POST \/api\/v\d\/(posts|todos)$/.test(route)
/** A user who is named is taken as signed in just now, with the factors that there are; these are not, or have shown others. */
const notByName: readonly SenderName[] = [
  'administrator',
  'factorless',
  'stale',
  'expired',
  'ended',
  'API key',
  'service',
  'anonymous',
]

test('what is explained of a route is what it answers: random routes, callers and things', async test => {
  const random = createSeeded(test)
  let refused = 0
  for (let n = 0; n < 250; n++) {
    const row = random.pick(rows)
    const name = random.pick(names)
    if (asksForMore(row) || judgesItself(row) || ownsNothing(row, name)) continue
    const byName = random.oneIn(2) && !notByName.includes(name)
    const { explained, answer, method, path } = await ask({ row, name }, byName)
    const code: string | null = answer.status >= 400 ? (answer.body?.code ?? null) : null
    const what = `${n}: ${method} ${path} as ${name}: ${answer.status} ${code}, explained ${JSON.stringify(explained)}`
    const isOfTheGate = code !== null && ofTheGate.includes(code)
    if (explained.allowed)
      assert.equal(isOfTheGate ? code : null, isOfTheGate ? (explained.further?.code ?? null) : null, what)
    else assert.equal(code, explained.code, what)
    if (!explained.allowed) refused += 1
  }
  assert.ok(refused > 60, `${refused} were refused`)
})

test('every caller of the matrix is explained at one route of each rule', async () => {
  const one = new Map(
    t.app.routeTable.routes.map(({ rule, method, url }) => [JSON.stringify(rule.access), `${method} ${url}`]),
  )
  for (const route of one.values())
    for (const name of names) {
      const explained = await explain({
        ...whoOf(cast.senders[name], false),
        route: route.replace(':id', 'unknown'),
      })
      assert.equal(explained.allowed, explained.code === null, `${route} as ${name}`)
      assert.equal(explained.parts.length > 0, true)
    }
})
