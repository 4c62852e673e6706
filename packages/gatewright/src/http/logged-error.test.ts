import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DatabaseError } from 'pg'
import { type LoggedError, toLoggedError } from './logged-error.ts'

const secret = 'secret.person@example.org'

/** As `pg` makes one of what the server sent. */
const refused = (code: string, message: string, fields: Partial<DatabaseError> = {}): DatabaseError =>
  Object.assign(new DatabaseError(message, 1, 'error'), { code, severity: 'ERROR', ...fields })

const logged = (error: unknown): LoggedError => toLoggedError(error) as LoggedError

/** All that was told, each error once. */
const flatten = (error: LoggedError): readonly LoggedError[] => [
  error,
  ...(error.cause ? flatten(error.cause) : []),
  ...(error.errors ?? []).flatMap(flatten),
]

describe('a value that PostgreSQL quotes is not in the log', () => {
  const quoting: Readonly<Record<string, readonly [code: string, message: string]>> = {
    'in English': ['22P02', `invalid input syntax for type integer: "${secret}"`],
    'in German': ['22P02', `ungültige Eingabesyntax für Typ integer: »${secret}«`],
    'in French': ['22P02', `syntaxe en entrée invalide pour le type integer : « ${secret} »`],
    'in Japanese': ['22P02', `"integer"型の入力構文が不正です: 「${secret}」`],
    'without quotes': ['22003', `value ${secret} is out of range`],
    'in several lines, one of which looks like a frame': [
      '22P02',
      `invalid:\n    at ${secret} (a.ts:1)\n${secret}`,
    ],
    'of another class': ['P0001', `no mail to ${secret}`],
    'of a class that we do not know': ['HV00B', `invalid: ${secret}`],
    'by what it compares': ['42883', `operator does not exist: ${secret}`],
  }
  for (const [what, [code, message]] of Object.entries(quoting))
    test(what, () => {
      const error = refused(code, message, { detail: `Key (email)=(${secret})`, where: secret })
      for (const each of [error, new Error('it failed', { cause: error }), new AggregateError([error])]) {
        const told = logged(each)
        assert.ok(!JSON.stringify(told).includes(secret), JSON.stringify(told))
        assert.ok(flatten(told).some(one => one.message.startsWith(`PostgreSQL ${code}: `)))
      }
    })

  test('and code, table, column and constraint are, with where it happened', () => {
    const fields = { table: 'users', column: 'email', constraint: 'users_email_key', schema: 'public' }
    const { stack, ...told } = logged(refused('23505', `duplicate: ${secret}`, fields))
    assert.deepEqual(told, {
      type: 'DatabaseError',
      message: 'PostgreSQL 23505: such a row is there already',
      code: '23505',
      table: 'users',
      column: 'email',
      constraint: 'users_email_key',
    })
    assert.match(stack, /^DatabaseError: PostgreSQL 23505: such a row is there already\n {4}at refused \(/)
  })

  test('nor where somebody changed the message after it was thrown', () => {
    const error = refused('22P02', `invalid: "${secret}"`)
    error.message = 'while saving'
    assert.ok(!JSON.stringify(logged(error)).includes(secret))
  })
})

test('other errors keep message and stack, also those whose code looks like the name of a system error', () => {
  for (const code of ['EPIPE', 'ENOENT', 'ERR_SQLITE_ERROR', undefined]) {
    const error = Object.assign(new TypeError('write failed'), { code })
    const { message, stack } = logged(error)
    assert.deepEqual([message, stack], ['write failed', error.stack])
  }
})

describe('what an error tells is bounded', () => {
  test('causes that go round in a circle end after five', () => {
    const [first, second] = [new Error('first'), new Error('second')]
    Object.assign(first, { cause: second })
    Object.assign(second, { cause: first })
    assert.deepEqual(
      flatten(logged(first)).map(({ message }) => message),
      ['first', 'second', 'first', 'second', 'first'],
    )
  })

  test('so do causes that never end', () => {
    const endless = (n: number): Error => {
      const error = new Error(String(n))
      return Object.defineProperty(error, 'cause', { get: () => endless(n + 1) })
    }
    assert.deepEqual(
      flatten(logged(endless(1))).map(({ message }) => message),
      ['1', '2', '3', '4', '5'],
    )
  })

  test('of a hundred thousand errors twenty are told, at every depth together', () => {
    const all = Array.from({ length: 100_000 }, (_, n) => new Error(String(n)))
    assert.equal(flatten(logged(new AggregateError(all))).length, 20)
    const nested = new AggregateError(Array.from({ length: 30 }, () => new AggregateError(all.slice(0, 7))))
    assert.equal(flatten(logged(nested)).length, 20)
  })

  test('what holds itself ends', () => {
    const error = new AggregateError([])
    error.errors.push(...Array(10).fill(error))
    assert.equal(flatten(logged(error)).length, 20)
  })
})
