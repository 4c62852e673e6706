import assert from 'node:assert/strict'
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { newSecret, systemRandom } from 'gatewright/random'
import { alerts } from '../../deploy/alerts/alerts.ts'
import { parseArguments } from '../../packages/gatewright/src/cli/arguments.ts'
import type { Result } from '../../packages/gatewright/src/cli/command.ts'
import { commands } from '../../packages/gatewright/src/cli/commands.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { readBlocks, readDocument, readHeadings } from '../markdown.ts'
import { newFolder, type Server, signUp, startServer } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'

const page = readDocument('docs/runbooks.md')
const pages = { 'docs/runbooks.md': page, 'docs/backup.md': readDocument('docs/backup.md') }

/** Words of a shell's line, quotes undone. */
const toWords = (line: string): readonly string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

/** Blocks in lists as well. */
const commandsIn = (markdown: string): readonly string[] =>
  readBlocks(markdown.replaceAll(/^ {3}/gm, ''))
    .flatMap(({ text }) => text.split('\n'))
    .flatMap(line => /(?:^|\s|\/bin\/)(gatewright (?!\/).*?)'?$/.exec(line.trim())?.[1] ?? [])

for (const [path, text] of Object.entries(pages))
  test(`every command of ${path} exists, and takes what stands with it`, () => {
    const lines = commandsIn(text)
    assert.ok(lines.length > 4, path)
    for (const line of lines)
      assert.equal(parseArguments(toWords(line).slice(1), commands, '1').kind, 'run', line)
  })

const sections = page
  .split('\n## ')
  .slice(1)
  .map(text => ({ title: text.split('\n')[0] ?? '', text }))

test('every runbook says how one notices, what to do, what it costs and how one sees that it is over', () => {
  const asked = [
    'The secret leaked',
    'A signing key leaked',
    'The database is lost',
    'Restore',
    'Valkey is lost',
    'A flood',
  ]
  assert.deepEqual(
    asked.filter(title => !sections.some(section => section.title === title)),
    [],
  )
  for (const { title, text } of sections)
    assert.match(
      text,
      /\*\*How you notice[\s\S]*\*\*Now\.\*\*[\s\S]*\*\*What it costs users\.\*\*[\s\S]*\*\*It is over\*\*/,
      title,
    )
})

test('the alerts that a runbook names are there, and lead to it', () => {
  const slugs = new Map(readHeadings(page).map(({ title, slug }) => [title, slug]))
  for (const { title, text } of sections)
    for (const [, name = ''] of text.matchAll(/`(Gatewright[A-Z]\w+)`/g)) {
      const alert = alerts.find(each => each.name === name) ?? assert.fail(name)
      assert.ok(alert.do.includes(`runbooks.md#${slugs.get(title)}`), `${name} leads to ${title}`)
    }
})

type Values = Readonly<Record<string, string>>

/** As the program does, in this process: a start of each would take a second. */
const run = async (line: string, env: Values, values: Values): Promise<Result> => {
  const words = toWords(line).map(word => values[word] ?? word)
  const invocation = parseArguments(words.slice(1), commands, '1')
  assert.equal(invocation.kind, 'run', line)
  const before = { ...process.env }
  try {
    Object.assign(process.env, env)
    const result = invocation.kind === 'run' ? await invocation.command.run(invocation.input) : undefined
    return result ?? assert.fail(line)
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
}

/** What a command is expected to find, where it is not nothing. */
const finds: Readonly<Record<string, readonly (0 | 1)[]>> = {
  'gatewright audit verify --anchor CHECKPOINTS': [1],
  'gatewright doctor': [0, 1],
  'gatewright access-review': [0, 1],
}

describe('the runbooks, played from the first to the last', () => {
  test('each command does what its page says, in the order of the page', { timeout: 120_000 }, async t => {
    const folder = newFolder(t)
    const [OLD, NEW] = [newSecret(systemRandom), newSecret(systemRandom)]
    const database = join(folder.path, 'data/gatewright.db')
    const checkpoints = join(folder.path, 'checkpoints.jsonl')
    const settings = {
      DATABASE_URL: `sqlite:${database}`,
      AUDIT_ANCHOR: `file:${checkpoints}`,
      LIMITS_SCALE: '1000',
    }
    const values: Record<string, string> = {
      'OLD-ID': createSecrets([OLD], systemRandom).newestId,
      'AFTER.backup': join(folder.path, 'after.backup'),
      'NEWEST.backup': join(folder.path, 'after.backup'),
      'NEWEST.revocations': join(folder.path, 'newest.revocations'),
      CHECKPOINTS: checkpoints,
      SINCE: '2020-01-01T00:00:00Z',
      USERNAME: 'alice',
    }
    let env: Values = { ...settings, GATEWRIGHT_SECRET: OLD }
    const play = async (title: string, only: RegExp = /./): Promise<readonly Result[]> => {
      const { text = '' } = sections.find(section => section.title === title) ?? {}
      const results: Result[] = []
      // A password is read from the standard input of the process, which is not ours.
      for (const line of commandsIn(text).filter(each => only.test(each) && !each.includes('stdin'))) {
        const result = await run(line, env, values)
        assert.ok((finds[line] ?? [0]).includes(result.exitCode ?? 0), `${title}: ${line}: ${result.text}`)
        results.push(result)
      }
      return results
    }
    const start = async (): Promise<Server> => {
      const server = await startServer(folder, { env })
      values['PUBLIC-URL'] = server.url
      return server
    }
    await run('gatewright user create --username first --email first@example.org --by-mail', env, {})

    env = { ...settings, GATEWRIGHT_SECRET: `${NEW},${OLD}` }
    let server = await start()
    const caller = await signUp(server, 'alice')
    const leaked = await play('The secret leaked')
    const { call } = server
    const isOut = async () => (await call('GET', 'protected', { token: caller.access })).status === 401
    await until('the server has heard of it', isOut)
    assert.doesNotMatch(leaked.at(-2)?.text ?? '', new RegExp(`${values['OLD-ID']}.*in force`))

    env = { ...settings, GATEWRIGHT_SECRET: NEW }
    const { json } = await run('gatewright key list', env, {})
    const keys = json.keys as readonly {
      readonly id?: string
      readonly kid?: string
      readonly state: string
    }[]
    const active = keys.find(({ state }) => state === 'active')
    values.KID = active?.kid ?? active?.id ?? assert.fail(JSON.stringify(keys))
    const [, , listed] = await play('A signing key leaked')
    assert.match(listed?.text ?? '', new RegExp(`${values.KID}.*revoked`))
    await play('The database is lost')

    // Somebody is disabled after the backup; then everything is lost.
    await run('gatewright user disable alice', env, {})
    await run('gatewright backup --revocations-to NEWEST.revocations', env, values)
    await until('a checkpoint of that has left', () => {
      const last = JSON.parse(readFileSync(checkpoints, 'utf8').trim().split('\n').at(-1) ?? '{}')
      return last.position > 0
    })
    await server.stop()
    renameSync(database, `${database}.lost`)
    for (const end of ['-wal', '-shm']) rmSync(database + end, { force: true })
    const [restored] = await play('Restore', /restore --from/)
    assert.match(restored?.text ?? '', /1 disabled/)
    server = await start()
    const refused = await server.call('POST', 'login', {
      body: { username: 'alice', password: 'correct horse battery staple' },
    })
    assert.equal(refused.status, 401)
    values.POSITION = String(restored?.json.position)
    values['AFTER.backup'] = join(folder.path, 'again.backup')
    await play('Restore', /^(?!.*restore --from)/)

    await play('Valkey is lost')
    await play('A flood', /^(?!.*api-key revoke)/)
    await play('The disk is full')
    await play('No administrator is left')
    await server.stop()
  })
})
