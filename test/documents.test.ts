import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { blogEvents } from '../apps/blog/src/audit-events.ts'
import { auditEvents, type EventTable } from '../packages/gatewright/src/audit/events.ts'
import { bodySteps, headSteps } from '../packages/gatewright/src/gate/gate.ts'
import { refusals } from '../packages/gatewright/src/ground/refusal.ts'
import { statuses } from '../packages/gatewright/src/http/problem.ts'
import type { DeclaredRoute } from '../packages/gatewright/src/http/route-table.ts'
import { nameOf } from '../packages/gatewright/src/limits/own-limit.ts'
import { describeAccess } from '../packages/gatewright/src/permissions/describe-access.ts'
import { startTestApp, type TestApp } from './harness.ts'
import {
  listDocuments,
  readBlocks,
  readCodeWords,
  readDocument,
  readHeadings,
  readLinks,
  readPart,
  top,
  toTable,
  withParts,
} from './markdown.ts'
import { addUser } from './sessions/signed-in.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const readme = 'README.md'
const translations = ['docs/README.zh-CN.md', 'docs/README.zh-TW.md']
const languages = [readme, ...translations]

/** Page and heading that a link means, from the top of the repository; undefined for other hosts. */
const toTarget = (page: string, link: string): { path: string; slug: string | undefined } | undefined => {
  if (/^[a-z]+:/.test(link)) return undefined
  const [path = '', slug] = link.split('#')
  return { path: path === '' ? page : posix.join(posix.dirname(page), path), slug }
}

const findFault = (page: string, link: string): string | undefined => {
  const target = toTarget(page, link)
  if (target === undefined) return undefined
  const { path, slug } = target
  if (path.startsWith('..') || !existsSync(posix.join(top, path))) return `${page}: there is no file ${link}`
  if (slug === undefined) return undefined
  const isThere = readHeadings(readDocument(path)).some(heading => heading.slug === decodeURI(slug))
  return isThere ? undefined : `${page}: there is no heading ${link}`
}

test('every link of every page leads to a file and a heading that exist', () => {
  const faults = listDocuments().flatMap(page =>
    readLinks(readDocument(page)).flatMap(link => findFault(page, link) ?? []),
  )
  assert.deepEqual(faults, [])
})

test('no page has two headings of one name, so that every link to one is clear', () => {
  for (const page of listDocuments()) {
    const slugs = readHeadings(readDocument(page)).map(({ slug }) => slug)
    // Each version of a changelog has the same headings.
    if (page !== 'CHANGELOG.md') assert.deepEqual(slugs, [...new Set(slugs)], page)
  }
})

test('no page names a folder of one machine or a registry', () => {
  for (const page of listDocuments())
    assert.doesNotMatch(
      readDocument(page),
      /(?<![\w.~])\/(home|root|tmp|work|Users)\/|registry\.\w+|\/\/npm\./,
      page,
    )
})

test('the translations have the headings, the code and the links of the README', () => {
  const toShape = (page: string) => {
    const text = readDocument(page)
    const targets = readLinks(text).map(link => toTarget(page, link)?.path ?? link)
    return {
      levels: readHeadings(text).map(({ level }) => level),
      blocks: readBlocks(text).map(({ language, text: code }) => ({ language, code })),
      rows: text.split('\n').filter(line => line.startsWith('|')).length,
      links: targets.filter(path => !languages.includes(path)).sort(),
    }
  }
  for (const page of translations) assert.deepEqual(toShape(page), toShape(readme), page)
})

test('each README leads to the other two', () => {
  for (const page of languages) {
    const targets = readLinks(readDocument(page)).map(link => toTarget(page, link)?.path)
    for (const other of languages) if (other !== page) assert.ok(targets.includes(other), `${page}: ${other}`)
  }
})

test('the picture shows every step of the gate, in order', () => {
  const drawn = [...readDocument('docs/architecture.svg').matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(
    ([, text]) => text,
  )
  const steps = [...headSteps, ...bodySteps].map(({ name }) => name as string)
  assert.deepEqual(
    drawn.filter(text => steps.includes(text ?? '')),
    steps,
  )
})

test('the example of docs/explain.md is what the command prints beside a blog that has started', async () => {
  await addUser(t.engine, 'bob')
  const [, command = '', shown] =
    /^\$ npm run --silent gatewright -- (.+)\n([\s\S]+)$/.exec(
      readBlocks(readDocument('docs/explain.md'))
        .map(({ text }) => text)
        .find(text => text.includes('explain --user bob')) ?? '',
    ) ?? []
  const main = posix.join(top, 'packages/gatewright/src/cli/main.ts')
  const env = { DATABASE_URL: t.engine.settings.databaseUrl }
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...command.split(' ')], { env })
  assert.equal(stdout.trim(), shown?.trim())
})

const additions = 'docs/contract-additions.md'
const codesOfContract = readCodeWords(readPart(readDocument(additions), "contract's codes"))
const codes = Object.keys(refusals) as (keyof typeof refusals)[]

test('every code stands in the contract or in the additions to it, and no other', () => {
  const further = codes.filter(code => !codesOfContract.includes(code))
  const toCome = codesOfContract.filter(code => !(code in refusals))
  const document = withParts(additions, {
    'codes to come': toCome.map(code => `\`${code}\``).join(', '),
    'further codes': toTable(
      ['code', 'status', 'meaning'],
      further.map(code => [`\`${code}\``, String(statuses[code]), refusals[code]]),
    ),
    'audit events': toTable(
      ['event', 'when'],
      Object.entries({ ...auditEvents, ...blogEvents }).map(([name, { when }]) => [`\`${name}\``, when]),
    ),
  })
  assert.equal(readDocument(additions), document)
})

test('docs/audit.md has every audit event with its fields, as the code has them', () => {
  const rows: EventTable = { ...auditEvents, ...blogEvents }
  const document = withParts('docs/audit.md', {
    events: toTable(
      ['event', 'when', 'details', 'rows'],
      Object.entries(rows).map(([name, { when, fields, often }]) => [
        `\`${name}\``,
        when,
        Object.entries(fields)
          .map(([field, kind]) => (kind === 'personal' ? `*\`${field}\`*` : `\`${field}\``))
          .join(', '),
        often,
      ]),
    ),
  })
  assert.equal(readDocument('docs/audit.md'), document)
})

type Schema = {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
}

const toFields = (schema: Schema | undefined): string => {
  const { properties, required = [] } = schema?.anyOf?.[0] ?? schema ?? {}
  const names = Object.keys(properties ?? {}).map(name => (required.includes(name) ? name : `${name}?`))
  return names.length === 0 ? '' : `\`{${names.join(', ')}}\``
}

const toQuery = (schema: Schema | undefined): string => {
  const names = Object.keys(schema?.properties ?? {})
  return names.length === 0 ? '' : `?${names.map(name => `${name}=`).join('&')}`
}

const toAnswer = (route: DeclaredRoute): string => {
  const answers = Object.entries((route.schema?.response ?? {}) as Record<string, Schema>)
  const successes = answers.filter(([status]) => status.startsWith('2'))
  return successes.map(([status, schema]) => [status, toFields(schema)].join(' ').trim()).join('; ') || '200'
}

const toRow = (route: DeclaredRoute): readonly string[] => {
  const { body, querystring } = (route.schema ?? {}) as { body?: Schema; querystring?: Schema }
  return [
    `\`${route.method} ${route.url}${toQuery(querystring)}\``,
    describeAccess(route.rule),
    `\`${nameOf(route.rule.limit)}\``,
    toFields(body),
    toAnswer(route),
  ]
}

test('docs/routes.md is the table of routes and roles as the code has it', () => {
  const routes = t.app.routeTable.routes.filter(({ method }) => method !== 'HEAD')
  const { permissions, roles } = t.engine.roleTable
  const document = withParts('docs/routes.md', {
    routes: toTable(['route', 'who', 'limit', 'takes', 'answers'], routes.map(toRow)),
    roles: toTable(
      ['permission', 'allows to', ...[...roles.keys()].map(name => `\`${name}\``)],
      [...permissions].map(([permission, allows]) => [
        `\`${permission}\``,
        allows,
        ...[...roles.values()].map(held => ((held as readonly string[]).includes(permission) ? 'yes' : '')),
      ]),
    ),
  })
  assert.equal(readDocument('docs/routes.md'), document)
})
