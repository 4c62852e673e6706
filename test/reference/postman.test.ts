import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newFolder, type Server, startServer } from '../process/spawned-server.ts'

type Execution = {
  readonly item: { readonly name: string }
  readonly request: {
    readonly header: readonly { readonly key: string; readonly value: string }[]
    readonly url: { readonly host: readonly string[]; readonly path: readonly string[] }
  }
  readonly response: { readonly code: number }
  readonly assertions: readonly {
    readonly assertion: string
    readonly error?: { readonly message: string }
  }[]
}

type Report = {
  readonly run: {
    readonly executions: readonly Execution[]
    readonly failures: readonly unknown[]
  }
}

const newman = fileURLToPath(import.meta.resolve('newman/bin/newman.js'))

/** Plays the collection at the server's own address, as anybody would, and gives what newman reports. */
const play = async (server: Server, folder: string): Promise<Report> => {
  const file = join(folder, 'report.json')
  const args = ['run', `${server.url}/docs/postman.json`, '-r', 'json', '--reporter-json-export', file]
  await new Promise(done => execFile(process.execPath, [newman, ...args], { timeout: 60_000 }, done))
  return JSON.parse(readFileSync(file, 'utf8'))
}

describe('the Postman collection, played by newman exactly as exported', () => {
  let report: Report
  let server: Server
  const folder = newFolder({ after })
  before(async () => {
    // The limits are those of every start.
    server = await startServer(folder, { env: { LIMITS_SCALE: '1' } })
    report = await play(server, folder.path)
  })

  test('plays the life of a token: register, sign in, be let in, refresh, sign out, be refused', () => {
    const life = report.run.executions.slice(0, 8).map(({ item, response }) => [item.name, response.code])
    assert.deepEqual(life, [
      ['Register', 201],
      ['Sign in', 200],
      ['Be let in', 200],
      ['Refresh', 200],
      ['Be let in with the new token', 200],
      ['Sign out', 200],
      ['Be refused', 401],
      ['Be refused a refresh', 401],
    ])
  })

  test('has no assertion that fails, and an assertion for each request', () => {
    assert.deepEqual(report.run.failures, [])
    for (const { item, assertions = [] } of report.run.executions) {
      assert.ok(assertions.length > 0, item.name)
      for (const { assertion, error } of assertions) assert.equal(error, undefined, assertion)
    }
  })

  test('asks for every operation of the document, and mostly with success', async () => {
    const { paths } = JSON.parse((await server.call('GET', '/openapi.json')).text) as {
      paths: Record<string, Record<string, { tags: string[]; summary: string }>>
    }
    const operations = Object.values(paths).flatMap(item => Object.values(item))
    // The one who plays it is no administrator.
    const others = operations.filter(({ tags }) => !tags.includes('Administration'))
    const played = report.run.executions.slice(9)
    // Between the two that end everything somebody signs in again.
    assert.equal(played.length, operations.length + 1)
    const names = others.map(({ summary }) => summary)
    const refused = played
      .filter(({ response, item }) => response.code >= 400 && names.includes(item.name))
      .map(({ item }) => item.name)
    assert.ok(refused.length * 3 < names.length, refused.join(', '))
  })

  test('changes what it read, by its ETag, and deletes the account last of all', () => {
    const { executions } = report.run
    const named = (name: string) =>
      executions.filter(({ item }) => item.name === name).map(({ response }) => response.code)
    assert.deepEqual(named('Change one field or more of the version that was read'), [200, 200])
    assert.deepEqual(named('Write a todo, once for each Idempotency-Key'), [201])
    const keys = executions.flatMap(({ request }) =>
      request.header.filter(({ key }) => key === 'Idempotency-Key').map(({ value }) => value),
    )
    assert.equal(new Set(keys).size, 2)
    for (const key of keys) assert.match(key, /^[0-9a-f-]{36}$/)
    assert.equal(executions.at(-1)?.item.name, 'Delete the own account, for good')
    assert.equal(executions.at(-1)?.response.code, 204)
  })

  test('asks nobody but that server', () => {
    const hosts = new Set(report.run.executions.map(({ request }) => request.url.host.join('.')))
    assert.deepEqual([...hosts], ['localhost'])
  })
})
