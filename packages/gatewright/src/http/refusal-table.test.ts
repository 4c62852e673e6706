import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readDocument, toTable, withParts } from '../../../../test/markdown.ts'
import { auditEvents } from '../audit/events.ts'
import { refusals } from '../ground/refusal.ts'
import { statuses } from './problem.ts'
import { countedAs, type RefusalTrace, refusalTable } from './refusal-table.ts'

const source = join(import.meta.dirname, '..')
const rows = Object.entries<RefusalTrace>(refusalTable)

describe('the table of refusals', () => {
  test('has a row for each code: what it leaves, or why nothing', () => {
    assert.deepEqual(Object.keys(refusalTable).sort(), Object.keys(refusals).sort())
    for (const [code, { own, counted, only, except, unrecorded }] of rows) {
      const leavesNothing = counted === undefined ? own === undefined : (only ?? except) !== undefined
      assert.equal(unrecorded !== undefined, leavesNothing, code)
    }
  })

  test('names events that there are, and reasons once', () => {
    for (const [code, { own = [], counted, only = [], except = [], reasons }] of rows) {
      for (const event of [...own.flat(), ...(counted === undefined ? [] : [counted])])
        assert.ok(event in auditEvents, `${code}: ${event}`)
      assert.deepEqual(reasons, [...new Set(reasons)], code)
      assert.deepEqual(
        [...only, ...except].filter(reason => !reasons.includes(reason)),
        [],
        code,
      )
    }
  })

  test('knows every reason that stands written out in the source', () => {
    const files = globSync('**/*.ts', { cwd: source }).filter(file => !file.endsWith('.test.ts'))
    const unknown = files.flatMap(file => {
      const text = readFileSync(join(source, file), 'utf8')
      const found = text.matchAll(/new Refusal\(\s*'(\w+)',\s*\{[^}]*?reason: '([^']+)'/g)
      return [...found].flatMap(([, code = '', reason = '']) =>
        rows.some(([name, row]) => name === code && row.reasons.includes(reason))
          ? []
          : [`${code}: ${reason}`],
      )
    })
    assert.deepEqual(unknown, [])
  })

  test('counts a body made for parsers that disagree, and no slip of the hand', () => {
    assert.equal(countedAs('malformed_json', 'json_forbidden_name'), 'request.refused')
    assert.equal(countedAs('malformed_json', 'json_syntax'), undefined)
    assert.equal(countedAs('validation_failed', undefined), undefined)
  })

  test('counts what is somebody else’s and hidden, and not what is not there', () => {
    assert.equal(countedAs('not_found', 'hidden'), 'access.refused')
    assert.equal(countedAs('not_found', undefined), undefined)
  })

  test('counts whoever shows something, and not whoever shows nothing', () => {
    assert.equal(countedAs('invalid_token', 'token_signature'), 'credential.refused')
    assert.equal(countedAs('invalid_token', 'no_credential'), undefined)
  })
})

const codeList = (names: readonly string[]): string => names.map(name => `\`${name}\``).join(', ')

/** In two cells: which event, and how often. */
const tellTrace = ({ own = [], counted, only, except, unrecorded }: RefusalTrace): string =>
  [
    ...own.map(list => `at once: ${list.map(name => `\`${name}\``).join(' and ')}`),
    ...(counted === undefined
      ? []
      : [
          `counted: \`${counted}\`${only ? `, only for ${codeList(only)}` : ''}${except ? `, but not for ${codeList(except)}` : ''}`,
        ]),
    ...(unrecorded === undefined ? [] : [`${counted === undefined ? 'log' : 'else log'}: ${unrecorded}`]),
  ].join('; ')

const page = 'docs/refusals.md'

test('docs/refusals.md has the table (UPDATE_DOCS=1 writes it), and names no event that there is not', () => {
  const table = toTable(
    ['refusal', 'leaves', 'reasons'],
    rows.map(([code, row]) => [
      `${statuses[code as keyof typeof statuses]} \`${code}\``,
      tellTrace(row),
      code === 'rate_limited'
        ? 'the name of the [limit](limits.md), or `places_taken`'
        : codeList(row.reasons) || '–',
    ]),
  )
  const text = withParts(page, { refusals: table })
  assert.equal(readDocument(page), text)
  const named = [...text.matchAll(/`((?:[a-z]+-?)+\.(?:[a-z]+-?)+)`/g)].map(([, name = '']) => name)
  assert.deepEqual(
    named.filter(name => !(name in auditEvents) && name !== 'refresh-token.reused'),
    [],
  )
})
