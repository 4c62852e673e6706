import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { settingRows } from 'gatewright/settings'
import { mount } from '../apps/blog/src/blog.ts'
import { readSources } from '../tools/sources.ts'
import { startTestApp, type TestApp } from './harness.ts'
import { listDocuments, readDocument } from './markdown.ts'
import { listTitles } from './practices/test-titles.ts'

const page = readDocument('docs/practices.md')

/** The cells of the tables below a heading of the second level, without their heads. */
const rowsBelow = (heading: string): readonly (readonly string[])[] => {
  const [, section = ''] = page.split(new RegExp(`^## ${heading}$`, 'm'))
  const [text = ''] = section.split(/^## /m)
  const lines = text.split('\n').filter(line => line.startsWith('|'))
  const isHead = (index: number): boolean => /^\|[-|]+\|$/.test(lines[index + 1] ?? '')
  return lines
    .filter((line, index) => !isHead(index) && !/^\|[-|]+\|$/.test(line))
    .map(line =>
      line
        .slice(1, -1)
        .split('|')
        .map(cell => cell.trim()),
    )
}

const practices = rowsBelow('The practices')
const options = rowsBelow('Your options and ours')
const mistakes = rowsBelow("The tutorials' own mistakes")
const open = rowsBelow('What is open')

/** The key of a row that begins with "Open"; undefined for a row that is filled. */
const openKey = (cell = ''): string | undefined =>
  /^Open \(`([a-z-]+)`\): comes with a later version: /.exec(cell)?.[1]

const codesOf = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
const routesOf = (cells: readonly string[]): readonly string[] =>
  cells.flatMap(codesOf).filter(code => /^(GET|POST|PUT|PATCH|DELETE) \//.test(code))
/** `NAME` or `NAME=value`. */
const settingsOf = (cells: readonly string[]): readonly string[] =>
  cells.flatMap(codesOf).filter(code => /^[A-Z][A-Z0-9_]*(=.*)?$/.test(code))

/** What a row says of ours: everything but the reader's own option, mistake or practice. */
const ours = [...practices, ...options, ...mistakes].map(([, ...cells]) => cells)
const openKeyOf = (cells: readonly string[]): string | undefined => cells.map(openKey).find(Boolean)
const filled = ours.filter(cells => openKeyOf(cells) === undefined)
const notYet = ours.filter(cells => openKeyOf(cells) !== undefined)

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const isRoute = (name: string): boolean => {
  const [method, url] = name.split(' ')
  return t.app.routeTable.routes.some(
    route => route.method === method && (route.url === url || route.url === mount + url),
  )
}

const isSetting = (code: string): boolean => {
  const [name, value] = code.split('=')
  return settingRows.some(
    row =>
      (row.name === name || ('secret' in row && `${row.name}_FILE` === name)) &&
      (value === undefined || row.parse(value) !== undefined),
  )
}

describe('a row that is filled', () => {
  test('names routes that are there', () => {
    assert.deepEqual(
      routesOf(filled.flat()).filter(name => !isRoute(name)),
      [],
    )
  })

  test('names settings that are there, with values that they take', () => {
    assert.deepEqual(
      settingsOf(filled.flat()).filter(name => !isSetting(name)),
      [],
    )
  })

  test('names tests of this repository by their titles', () => {
    const titles = listTitles(readSources())
    const shown = [...practices, ...mistakes].filter(cells => openKeyOf(cells) === undefined)
    const missing = shown
      .flatMap(cells => (cells.at(-1) ?? '').split('<br>'))
      .filter(title => !titles.has(title))
    assert.deepEqual(missing, [])
  })
})

describe('a row that is open', () => {
  test('names no route and no setting that is there already', t => {
    for (const [name = '', ...cells] of practices)
      if (openKeyOf(cells) !== undefined) t.diagnostic(`open: ${name} (${openKeyOf(cells)})`)
    const already = notYet.flatMap(([what = '', where = '']) => {
      // What holds "today" or "until then" may be named.
      const promised = [what.split(/ (?:Today|Until then) /)[0] ?? '', where]
      return [...routesOf(promised).filter(isRoute), ...settingsOf(promised).filter(isSetting)]
    })
    assert.deepEqual(already, [])
  })

  test('is shown by nothing', () => {
    const dressedUp = [...practices, ...mistakes].filter(
      cells => openKeyOf(cells) !== undefined && cells.at(-1) !== '–',
    )
    assert.deepEqual(dressedUp, [])
  })

  test('stands with its key in the list of what is open, and the list holds no other', () => {
    const keys = new Set(notYet.map(openKeyOf))
    const listed = open.map(([key = '']) => codesOf(key)[0])
    assert.deepEqual([...keys].sort(), listed)
  })

  test('is about apps of others and sign-in with others: everything else is there', () => {
    assert.deepEqual([...new Set(notYet.map(openKeyOf))], ['oauth'])
  })

  test('is promised by no other page', () => {
    const promising = listDocuments().filter(path =>
      readDocument(path).includes('comes with a later version'),
    )
    assert.deepEqual(promising, ['docs/practices.md'])
  })

  test('has no second row, which would say that it is there', () => {
    const names = practices.map(([name = '']) => name)
    const opened = practices.flatMap(([name = '', ...cells]) => (openKeyOf(cells) ? [name] : []))
    assert.deepEqual(opened, ['OAuth'])
    for (const name of opened) assert.equal(names.filter(one => one === name).length, 1, name)
  })
})

test('the page has a row for every practice of the tutorials', () => {
  const expected = [
    ...[
      'JWT sign-in',
      'Refresh',
      'Block list',
      'Block list: purging',
      'RS256',
      'Cookies with CSRF',
      'Sessions',
    ],
    ...['Roles and permissions', 'API keys', 'TOTP', 'Password policy', 'Rate limits', 'OAuth', 'HTTPS'],
    ...['SQL injection', 'Validation', 'CSP and headers', 'Methods', 'Safe errors', 'No debug in production'],
    ...['Logs', 'Audit', 'Dependency scans', 'Several workers', 'Containers', 'Kubernetes', 'nginx', 'CI/CD'],
    ...['Security tests', 'Postman'],
  ]
  const names = practices.map(([name = '']) => name)
  for (const practice of expected)
    assert.ok(
      names.some(name => name === practice || name.startsWith(`${practice}:`)),
      practice,
    )
})

test('the page has a row for every option that people commonly set', () => {
  const expected =
    `JWT_SECRET_KEY JWT_ACCESS_TOKEN_EXPIRES JWT_REFRESH_TOKEN_EXPIRES JWT_TOKEN_LOCATION JWT_HEADER_NAME
    JWT_HEADER_TYPE JWT_ALGORITHM JWT_DECODE_AUDIENCE JWT_ENCODE_ISSUER JWT_DECODE_LEEWAY JWT_COOKIE_SECURE
    JWT_COOKIE_SAMESITE JWT_COOKIE_CSRF_PROTECT JWT_ACCESS_COOKIE_NAME JWT_QUERY_STRING_NAME JWT_JSON_KEY
    JWT_IDENTITY_CLAIM JWT_ERROR_MESSAGE_KEY token_in_blocklist_loader additional_claims_loader fresh=True
    verify_jwt_in_request(optional=True) RATELIMIT_DEFAULT RATELIMIT_STORAGE_URI RATELIMIT_STRATEGY
    RATELIMIT_HEADERS_ENABLED RATELIMIT_ENABLED RATELIMIT_KEY_PREFIX key_func @limiter.exempt
    RATELIMIT_IN_MEMORY_FALLBACK SESSION_TYPE SESSION_PERMANENT PERMANENT_SESSION_LIFETIME SESSION_COOKIE_NAME
    SESSION_COOKIE_DOMAIN SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE
    SESSION_COOKIE_PATH SESSION_USE_SIGNER SESSION_KEY_PREFIX SESSION_REDIS WTF_CSRF_ENABLED
    WTF_CSRF_TIME_LIMIT WTF_CSRF_HEADERS WTF_CSRF_CHECK_DEFAULT WTF_CSRF_SSL_STRICT @csrf.exempt`.split(/\s+/)
  const named = new Set(options.flatMap(([theirs = '']) => codesOf(theirs)))
  assert.deepEqual(
    expected.filter(option => !named.has(option)),
    [],
  )
})

test('an option that is not offered says why', () => {
  for (const [option = '', answer = ''] of options)
    if (answer.startsWith('Not offered')) assert.match(answer, /^Not offered[^,.]*, because ./, option)
})

test('every row has as many cells as its table has columns', () => {
  const tables: readonly (readonly [typeof practices, number])[] = [
    [practices, 4],
    [options, 2],
    [mistakes, 4],
    [open, 2],
  ]
  for (const [rows, columns] of tables) {
    assert.ok(rows.length > 0)
    for (const cells of rows)
      assert.equal(cells.filter(cell => cell !== '').length, columns, cells.join(', '))
  }
})
