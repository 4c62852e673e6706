import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { minute } from 'gatewright/clock'
import { newSecret, systemRandom } from 'gatewright/random'
import { defaultSettings } from 'gatewright/settings'
import { until } from '../process/until.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import type { Life } from './mail-process.ts'
import {
  type Asked,
  type MailServer,
  refusal,
  type Step,
  startMailServer,
  steps,
  type Taken,
} from './mail-server.ts'

/** Where a process is killed: before it sends, at each word of the mail server, and before it notes the last one. */
export const deaths = ['queued', ...steps, 'accepted'] as const
export type Death = (typeof deaths)[number]

const file = fileURLToPath(new URL('mail-process.ts', import.meta.url))

const live = async (life: Life): Promise<ChildProcess> => {
  const child = fork(file, [JSON.stringify(life)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  return child
}

const isGone = (child: ChildProcess | undefined): boolean =>
  child !== undefined && (child.exitCode !== null || child.signalCode !== null)

const kill = async (child: ChildProcess): Promise<void> => {
  if (isGone(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

const isDone = (second: SecondConnection, count: number): boolean =>
  second.rows("select id from mails where content = '' and sent_at is not null").length === count

/** A server of a database goes on with what a dead process has asked, where it waited for a lock. */
const forgetTheDead = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`

/** What came of mail whose sender was killed once, and followed by another one. */
export type Killed = { readonly seen: readonly Taken[]; readonly taken: readonly Taken[] }

/**
 * Kills the process that sends mail at this place, once, lets another one follow it after the lease, and waits until
 * nothing waits any more.
 */
export const killOnce = async (
  databaseUrl: string,
  death: Death,
  recipients: readonly string[],
): Promise<Killed> => {
  let first: ChildProcess | undefined
  let hasDied = false
  let isFollowed = false
  let letGo: (() => void) | undefined
  let second: SecondConnection | undefined
  const die = async (): Promise<void> => {
    hasDied = true
    if (first !== undefined) await kill(first)
  }
  const ofTheFirst = new Set<string>()
  const onStep = async (step: Step, { connection }: Asked): Promise<void> => {
    if (step === 'connect' && !isFollowed) ofTheFirst.add(connection)
    if (!ofTheFirst.has(connection)) return
    if (step === death) await die()
    // What a dead process has under way is taken by no server.
    if (hasDied) throw refusal(451)
    // It hears that the mail was taken, and can't note it.
    if (step === 'data' && death === 'accepted') letGo ??= await second?.holdWrites('mails')
  }
  const server: MailServer = await startMailServer({ onStep })
  const life = { databaseUrl, smtpUrl: server.url, secret: newSecret(systemRandom) }
  let other: ChildProcess | undefined
  try {
    first = await live({ ...life, later: 0, recipients })
    second = openSecondConnection({ settings: defaultSettings({ databaseUrl }) })
    if (death === 'queued') await die()
    else first.send('start')
    if (death === 'accepted') {
      await until('the mail is taken', () => server.taken.length > 0)
      await delay(200)
      await die()
      if (databaseUrl.startsWith('postgres')) second.rows(forgetTheDead)
      letGo?.()
    }
    await until('it is dead', () => hasDied && isGone(first))
    isFollowed = true
    other = await live({ ...life, later: 5 * minute, recipients: [] })
    other.send('start')
    const connection = second
    await until('nothing waits', () => isDone(connection, recipients.length))
    return { seen: server.seen, taken: server.taken }
  } finally {
    for (const child of [first, other]) if (child !== undefined) await kill(child)
    second?.close()
    await server.close()
  }
}

/** Nothing is lost, and nothing comes twice unless the process died between the server's word and its own note. */
export const judgeKilled = ({ seen, taken }: Killed, death: Death, recipients: readonly string[]): void => {
  for (const to of recipients) {
    const own = taken.filter(mail => mail.to[0] === to)
    assert.ok(own.length > 0, `the mail to ${to} was lost`)
    assert.ok(own.length === 1 || death === 'accepted', `the mail to ${to} came ${own.length} times`)
    const all = seen.filter(mail => mail.to[0] === to)
    assert.equal(new Set(all.map(({ messageId }) => messageId)).size, 1, 'one Message-ID for all attempts')
  }
  if (death === 'accepted') assert.ok(taken.length > recipients.length, 'one came twice')
}
