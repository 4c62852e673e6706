import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { countRows, readTables, type TableContents } from '../table-contents.ts'
import {
  type Attacker,
  createAttacker,
  describe,
  type Field,
  isText,
  listFields,
  type Request,
  withValue,
} from './surface.ts'

let t: TestApp
let attacker: Attacker
// Each test on a database of its own: all of it is read around every attempt.
beforeEach(async () => {
  t = await startTestApp()
  attacker = createAttacker(t)
})
const logLines: string[] = []
afterEach(async () => {
  logLines.push(...t.logLines)
  await t.close()
})

/** Query and path are text, whatever is read from them. */
const listTexts = (): readonly Field[] =>
  listFields(t).filter(field => field.place !== 'body' || isText(field))

/** The fields whose text everybody can read again. */
const listWritings = (): readonly Field[] =>
  listTexts().filter(({ at, place }) => place === 'body' && ['title', 'content'].includes(String(at[0])))

type Tried = { readonly answer: Answer; readonly before: TableContents; readonly after: TableContents }

const attempt = async (request: Request): Promise<Tried> => {
  const before = await readTables(t)
  const answer = await attacker.send(request)
  return { answer, before, after: await readTables(t) }
}

const attackOf = async (field: Field, text: string): Promise<Request> =>
  withValue(await attacker.prepare(field.route), field, text)

const attempted = async (field: Field, text: string): Promise<Tried> => attempt(await attackOf(field, text))

/** The same where nobody asks what it changed. */
const answered = async (field: Field, text: string): Promise<Answer> =>
  attacker.send(await attackOf(field, text))

/** How many rows came or went in each table. */
const toGrowth = ({ before, after }: Tried): Readonly<Record<string, number>> => {
  const [was, is] = [countRows(before), countRows(after)]
  return Object.fromEntries(Object.keys(is).map(name => [name, (is[name] ?? 0) - (was[name] ?? 0)]))
}

/** Tables that hold a row for each event, so many as there are sessions, failures and names that were tried: they only ever grow. */
const traces = ['audit_events', 'audit_personal', 'cut_offs', 'sign_in_throttles']
/** And some of which an event ends so many as there were sign-ins, or as were begun. */
const uncounted = [...traces, 'known_devices', 'codes', 'sign_in_marks']

const withoutTraces = <T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> =>
  Object.fromEntries([...entries].filter(([name]) => !uncounted.includes(name)))

/** How many rows a good request of each route makes, tried once. */
const createGoodGrowth = () => {
  const known = new Map<string, ReturnType<typeof toGrowth>>()
  return async (route: string) => {
    const growth = known.get(route) ?? toGrowth(await attempt(await attacker.prepare(route)))
    known.set(route, growth)
    return withoutTraces(Object.entries(growth))
  }
}

const growthOf = createGoodGrowth()

const sqlTexts = [
  "' OR 1=1--",
  "' OR '1'='1",
  '"; DROP TABLE users;--',
  "'; DELETE FROM audit_events; SELECT '",
  "' UNION SELECT password_hash FROM users--",
  '1 OR 1=1',
  '%_',
  '\\',
  '?1 $1 :id @id',
]

/** What the answer shows where the text was sent. */
const findShown = ({ body }: Answer, { at }: Field): unknown => at.reduce((part, name) => part?.[name], body)

for (const text of sqlTexts)
  test(`SQL injection: ${text} in any field is refused or kept literally, and makes no other row`, async () => {
    for (const field of listTexts()) {
      const where = describe(field)
      const tried = await attempted(field, text)
      const { status } = tried.answer
      assert.ok(
        [200, 201, 204, 400, 401, 404, 409].includes(status),
        `${where}: ${status} ${tried.answer.text}`,
      )
      const growth = toGrowth(tried)
      for (const name of traces) assert.ok((growth[name] ?? 0) >= 0, where)
      const shown = field.place === 'body' && status < 300 ? findShown(tried.answer, field) : undefined
      if (shown !== undefined) assert.equal(shown, text, where)
      if (status >= 400) assert.deepEqual(withoutTraces(tried.after), withoutTraces(tried.before), where)
      else assert.deepEqual(withoutTraces(Object.entries(growth)), await growthOf(field.route), where)
    }
  })

test('SQL injection: a wildcard signs nobody in and finds nobody', async () => {
  const { username } = await createVictim()
  for (const name of ['%', '_', `${username.slice(0, -1)}_`, `${username.slice(0, 3)}%`, '*', '.*']) {
    const answer = await t.call('POST', 'login', { body: { username: name, password: victimPassword } })
    assert.equal(`${answer.status} ${answer.body.code}`, '401 invalid_credentials', name)
  }
})

const victimPassword = 'the one password of the victim'
const createVictim = async (): Promise<{ readonly username: string }> => {
  const made = await t.call('POST', 'register', {
    body: { username: 'the-victim', password: victimPassword },
  })
  assert.equal(made.status, 201, made.text)
  return made.body
}

const scripts = [
  '<script>alert(document.domain)</script>',
  '"><img src=x onerror=alert(1)>',
  "javascript:alert('x')//",
  '</textarea><svg/onload=alert`1`>',
  '{{constructor.constructor("alert(1)")()}}',
  '\u2028alert(1)\u2029',
  '<!--#exec cmd="id"-->',
  '=HYPERLINK("https://evil.example")',
]

test('stored XSS: what was written comes back as it was, as JSON that no browser runs', async () => {
  for (const field of listWritings())
    for (const script of scripts) {
      const answer = await answered(field, script)
      assert.ok(answer.status < 300, `${describe(field)}: ${answer.text}`)
      const kind = field.route.includes('todos') ? 'todos' : 'posts'
      const { headers } = await attacker.prepare(field.route)
      const read = await t.call('GET', `${kind}/${answer.body.id}`, { headers })
      assert.equal(read.body[String(field.at[0])], script, describe(field))
      assert.equal(read.headers['content-type'], 'application/json; charset=utf-8')
      assert.equal(read.headers['x-content-type-options'], 'nosniff')
    }
})

test('stored XSS: a device is named by what is known only, and a field name in an error is JSON as well', async () => {
  const headers = { 'user-agent': scripts[0] ?? '' }
  const { username } = await t
    .call('POST', 'register', {
      body: { username: 'scripted', password: victimPassword },
    })
    .then(({ body }) => body)
  const { body } = await t.call('POST', 'login', { body: { username, password: victimPassword }, headers })
  const sessions = await t.call('GET', 'sessions', { token: body.access_token })
  assert.equal(sessions.body.sessions[0].device, 'Unknown device')
  const refused = await t.call('POST', 'login', { body: { username, password: 'x', [scripts[1] ?? '']: 1 } })
  assert.equal(refused.status, 400)
  for (const answer of [sessions, refused]) {
    assert.match(String(answer.headers['content-type']), /^application\/(problem\+)?json; charset=utf-8$/)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    assert.equal(answer.headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'")
  }
})

const splitters = [
  'a\r\nInjected: yes',
  'a\nInjected: yes\n\n<html>',
  'a\r\n\r\nHTTP/1.1 200 OK\r\n',
  'é\r\n Injected',
]

test('response splitting: line breaks in any field make no header', async () => {
  for (const field of listTexts()) {
    // What a text before has used up is refused: that answer has headers as well.
    const good = await attacker.prepare(field.route)
    for (const text of splitters) {
      const answer = await attacker.send(withValue(good, field, text))
      assert.ok(answer.status < 500, `${describe(field)}: ${answer.text}`)
      for (const [name, value] of Object.entries(answer.headers))
        assert.doesNotMatch(`${name}: ${value}`, /[\r\n]|injected|<html>/i, describe(field))
    }
  }
})

test('response splitting: the id of a request is ours, whatever the caller names', async () => {
  for (const sent of ['evil', 'a%0d%0ab', '../../log'])
    for (const name of ['x-request-id', 'request-id', 'x-correlation-id', 'traceparent']) {
      const answer = await t.call('GET', 'me', { headers: { [name]: sent } })
      assert.match(String(answer.headers['x-request-id']), /^[\w-]{22}$/)
      assert.equal(answer.body.request_id, answer.headers['x-request-id'])
    }
})

const unstorable = ['a\0b', '\0', 'a\ud800b', '\udc00', '\udfff\ud800']

test('NUL and half surrogate pairs are refused in every field', async () => {
  for (const field of listTexts()) {
    const good = await attacker.prepare(field.route)
    const before = await readTables(t)
    for (const text of unstorable) {
      const isLost = field.place !== 'body' && !text.includes('\0')
      // A URL can not carry half a pair: what arrives is the replacement character, and judged as such.
      const answer = await attacker.send(withValue(good, field, isLost ? text.toWellFormed() : text))
      // A search for that character finds nothing.
      const expected = field.place === 'body' ? [400] : isLost ? [200, 400, 404] : [400, 404]
      assert.ok(expected.includes(answer.status), `${describe(field)}: ${answer.text}`)
      if (field.place === 'body') assert.equal(answer.body.code, 'malformed_json', describe(field))
    }
    assert.deepEqual(await readTables(t), before, describe(field))
  }
})

test('what the attacks wrote stands in no log line as a line of its own, and no log line holds a password', () => {
  assert.ok(logLines.length > 1_000)
  for (const line of logLines) {
    assert.equal(line.trimEnd().split('\n').length, 1)
    assert.doesNotMatch(line, /the one password of the victim|correct horse/)
  }
})
