import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { hour, minute } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import { applyConsequences } from './apply.ts'
import { type Consequence, type ConsequenceEvent, consequences } from './table.ts'

let t: TestApp
let users = 0
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

type Subject = Parameters<typeof applyConsequences>[3]
const apply = (event: ConsequenceEvent, subject: Subject) =>
  inTransaction(t.engine.db, work => applyConsequences(t.engine, work, event, subject))

const newUser = async () => {
  const { id: userId } = await addUser(t.engine, `user${++users}`)
  const [self, other] = [await signInAs(t.engine, userId), await signInAs(t.engine, userId)]
  const proof = { amr: ['pwd'], secretId: t.engine.secrets.newestId }
  const subject = { userId, sessionId: self.sessionId, otherSessionId: other.sessionId, ...proof, origin }
  return { userId, self, other, subject }
}
const versionOf = async (userId: string): Promise<number> => {
  const query = t.engine.db.selectFrom('users').select('version').where('id', '=', userId)
  return (await query.executeTakeFirstOrThrow()).version
}
const listCutOffs = (userId: string) =>
  t.engine.db.selectFrom('cut_offs').selectAll().where('subject', '=', userId).execute()

const rows = Object.entries(consequences) as [ConsequenceEvent, Consequence][]

describe('an event', () => {
  for (const [event, { thisSession, otherSessions, codesAndLinks }] of rows) {
    const endsMore = otherSessions === 'end' || otherSessions === 're-read'
    const raises = endsMore || ['end', 'end of second factors'].includes(codesAndLinks)
    test(`"${event}" ${raises ? 'raises the version of its user, so that nothing begun before is finished' : 'leaves the version of its user'}`, async () => {
      const { userId, subject } = await newUser()
      await apply(event, subject)
      assert.equal(await versionOf(userId), raises ? 2 : 1)
    })

    const ofAll = otherSessions === 'end' ? 'user' : undefined
    const kind = { 're-read': 'reread-user', end: ofAll, none: ofAll }[thisSession as 'end']
    test(`"${event}" ${kind ? `cuts off by one row of kind ${kind}` : 'names the sessions that it ends one by one'}`, async () => {
      const { userId, subject } = await newUser()
      await apply(event, subject)
      const written = (await listCutOffs(userId)).map(row => [row.kind, row.version])
      const expected = kind === undefined ? [] : [[kind, kind === 'user' ? 2 : null]]
      assert.deepEqual(written, expected)
    })
  }
})

const openCodes = {
  'of the user': { purpose: 'reset-password' },
  'of this session': { purpose: 'passkey-registration', of: 'self' },
  'of the other session': { purpose: 'passkey-registration', of: 'other' },
  'of a sign-in that waits for its second factor': { purpose: 'second-factor' },
} as const
type OpenCode = keyof typeof openCodes

/** Those that are left where the column says this; the sessions that end take theirs in any case. */
const leftBy: Record<Consequence['codesAndLinks'], readonly OpenCode[]> = {
  end: [],
  keep: ['of the user', 'of a sign-in that waits for its second factor'],
  'stay ended': ['of the user', 'of a sign-in that waits for its second factor'],
  'end of the session': ['of the user', 'of a sign-in that waits for its second factor'],
  'end of second factors': ['of the user'],
}

describe('open codes and links', () => {
  for (const [event, row] of rows)
    test(`"${event}": ${row.codesAndLinks}`, async () => {
      const { userId, self, other, subject } = await newUser()
      const sessions = { self: self.sessionId, other: other.sessionId }
      const make = async (code: (typeof openCodes)[OpenCode]): Promise<string> => {
        const sessionId = 'of' in code ? { sessionId: sessions[code.of] } : {}
        const made = await inTransaction(t.engine.db, work =>
          makeCode(t.engine, work, { purpose: code.purpose, user: { id: userId, version: 1 }, ...sessionId }),
        )
        return made?.id ?? ''
      }
      const made = new Map<string, OpenCode>()
      for (const [which, code] of Object.entries(openCodes)) made.set(await make(code), which as OpenCode)
      await apply(event, subject)
      const left = await t.engine.db.selectFrom('codes').select('id').where('user_id', '=', userId).execute()
      const goOn = [
        ...(['keep', 're-read', 'none'].includes(row.thisSession) ? ['of this session'] : []),
        ...(['keep', 're-read', 'stay ended'].includes(row.otherSessions) ? ['of the other session'] : []),
      ]
      const expected = row.codesAndLinks === 'end' ? [] : [...leftBy[row.codesAndLinks], ...goOn]
      assert.deepEqual(left.map(({ id }) => made.get(id)).sort(), expected.sort())
    })
})

describe('API keys', () => {
  for (const [event, { apiKeys }] of rows)
    test(`"${event}": ${apiKeys}`, async () => {
      const { userId, subject } = await newUser()
      const id = `key of ${userId}`
      const key = { id, user_id: userId, name: 'reports', secret_hash: '', permissions: '' }
      await t.engine.db
        .insertInto('api_keys')
        .values({ ...key, allowed_addresses: '', address: '', created_at: 1 })
        .execute()
      const { endedKeys } = await apply(event, subject)
      const row = await t.engine.db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
      const ends = apiKeys === 'end'
      assert.deepEqual(endedKeys, ends ? ['reports'] : [])
      assert.equal(row?.ended_at, ends ? t.clock.now() : null)
      assert.equal(t.engine.revocations.isApiKeyEnded(id), ends)
    })
})

describe('a cut-off of a user matters as long as the longest promise ever made to a session of it', () => {
  for (const event of ['user disabled', 'roles changed'] as const)
    test(event, async () => {
      const { userId, other, subject } = await newUser()
      const latest = t.clock.now() + hour
      await t.engine.db
        .updateTable('sessions')
        .set({ token_expires_at: latest })
        .where('id', '=', other.sessionId)
        .execute()
      await apply(event, subject)
      assert.deepEqual(
        (await listCutOffs(userId)).map(row => row.matters_until),
        [latest + minute],
      )
    })
})

describe('a mistake of the caller is no refusal', () => {
  const calls: readonly {
    readonly event: ConsequenceEvent
    readonly without: 'sessionId' | 'otherSessionId'
  }[] = [
    { event: 'logout', without: 'sessionId' },
    { event: 'step-up', without: 'sessionId' },
    { event: 'password changed', without: 'sessionId' },
    { event: 'all others ended', without: 'sessionId' },
    { event: 'other session ended', without: 'otherSessionId' },
    { event: 'refresh token reused', without: 'sessionId' },
  ]
  for (const { event, without } of calls)
    test(`"${event}" without ${without} throws, and ends nothing`, async () => {
      const { userId, subject } = await newUser()
      const { [without]: _, ...incomplete } = subject
      await assert.rejects(apply(event, incomplete), TypeError)
      const ended = await t.engine.db
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', userId)
        .where('ended_at', 'is not', null)
        .execute()
      assert.deepEqual(ended, [])
      assert.equal(await versionOf(userId), 1)
    })

  test('an event about nobody is refused', async () => {
    await assert.rejects(apply('user disabled', { userId: 'nobody', origin }), { code: 'not_found' })
  })
})
