import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { disableUser } from 'gatewright/administration'
import { systemClock } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { systemRandom } from 'gatewright/random'
import {
  changeRole,
  createRole,
  deleteRole,
} from '../../packages/gatewright/src/administration/change-role.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { eraseAudit } from '../../packages/gatewright/src/administration/erase-audit.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { linkIdentity, unlinkIdentity } from '../../packages/gatewright/src/administration/identities.ts'
import { blockIssuer } from '../../packages/gatewright/src/administration/issuers.ts'
import { listLockedOut } from '../../packages/gatewright/src/administration/list-changed.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { deleteService, disableService } from '../../packages/gatewright/src/administration/services.ts'
import { changeRoles } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin as origin, recordEvent } from '../../packages/gatewright/src/audit/record.ts'
import { writeRevocations } from '../../packages/gatewright/src/backups/revocations-file.ts'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import { openDatabaseSource } from '../../packages/gatewright/src/sealing/verify/database-source.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { addService } from '../administration/added-service.ts'
import { giveKeyWithId } from '../api-keys/given.ts'
import { enrolWithCodes, plantTotp } from '../factors/enrolled.ts'
import { giveAddress } from '../mail/given-link.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { secret } from '../postgres/real-app.ts'
import { addUser } from '../sessions/signed-in.ts'
import { adopt, backUp, load, newPlace, restore, secrets, startApp } from './place.ts'

/**
 * What one has at the time of the backup, how it is taken, and whether it is there again. Each is asked of two
 * restores: without an export it is back, which shows that something had to be taken; with it, it is not.
 */
type Case = {
  readonly give: (engine: Engine, userId: string) => Promise<unknown>
  readonly take: (engine: Engine, userId: string, given: never) => Promise<unknown>
  readonly isBack: (engine: Engine, userId: string, given: never) => Promise<boolean>
}

const defineCase = <Given>(one: {
  readonly give: (engine: Engine, userId: string) => Promise<Given>
  readonly take: (engine: Engine, userId: string, given: Given) => Promise<unknown>
  readonly isBack: (engine: Engine, userId: string, given: Given) => Promise<boolean>
}): Case => one as Case

const nothing = async (): Promise<void> => {}

const rowOf = ({ db }: Engine, userId: string) =>
  db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow()

const count = async (query: { execute: () => Promise<readonly unknown[]> }): Promise<number> =>
  (await query.execute()).length

const isKeyLive = async ({ db }: Engine, id: string): Promise<boolean> =>
  (await count(db.selectFrom('api_keys').select('id').where('id', '=', id).where('ended_at', 'is', null))) > 0

const passkeysOf = ({ db }: Engine, userId: string) =>
  db.selectFrom('passkeys').selectAll().where('user_id', '=', userId).execute()

const hash = (text: string): string => `argon2 of ${text}`
const setHash = async ({ db }: Engine, userId: string, text: string): Promise<void> => {
  await db
    .updateTable('users')
    .set({ password_hash: hash(text) })
    .where('id', '=', userId)
    .execute()
}
const opens = async (engine: Engine, userId: string, text: string): Promise<boolean> =>
  (await rowOf(engine, userId)).password_hash === hash(text)

const identity = (userId: string) => ({ issuer: 'https://id.example', subject: 'somebody', userId, origin })

const cases: Record<string, Case> = {
  'a user who was disabled': defineCase({
    give: nothing,
    take: (engine, userId) => disableUser(engine, { userId, origin }),
    isBack: async (engine, userId) => (await rowOf(engine, userId)).disabled_at === null,
  }),
  'a user who was deleted: name, address and all': defineCase({
    give: (engine, userId) => giveAddress(engine, userId, 'gone-for-good@example.org'),
    take: (engine, userId) => deleteUser(engine, { userId, origin }),
    isBack: async (engine, userId) => {
      const { username, email, deleted_at } = await rowOf(engine, userId)
      return deleted_at === null || email !== null || username !== ''
    },
  }),
  'the name of one who came and went since, for somebody else': defineCase({
    give: nothing,
    take: async engine => deleteUser(engine, { userId: (await addUser(engine, 'short-lived')).id, origin }),
    isBack: async ({ db }) =>
      (await count(
        db.selectFrom('reserved_usernames').selectAll().where('username_hash', '=', sha256('short-lived')),
      )) === 0,
  }),
  'the set-up link, where the first administrator came since': defineCase({
    give: nothing,
    take: ({ db }) => db.updateTable('installation').set({ first_administrator_at: 1 }).execute(),
    isBack: async ({ db }) =>
      (await count(db.selectFrom('installation').selectAll().where('first_administrator_at', 'is', null))) >
      0,
  }),
  'a password that was to be changed at the next sign-in': defineCase({
    give: nothing,
    take: (engine, userId) => forcePasswordChange(engine, { userId, origin }),
    isBack: async (engine, userId) => (await rowOf(engine, userId)).password_change_due === 0,
  }),
  'a version below which everything had ended': defineCase({
    give: nothing,
    take: ({ db }, userId) => db.updateTable('users').set({ version: 9 }).where('id', '=', userId).execute(),
    isBack: async (engine, userId) => (await rowOf(engine, userId)).version < 9,
  }),
  'what the audit log had of somebody who asked for its erasure': defineCase({
    give: (engine, userId) =>
      inTransaction(engine.db, work =>
        recordEvent(engine, work, 'sign-in.failed', {
          origin: { actor: userId, address: '203.0.113.77', requestId: 'r' },
          userId,
        }),
      ),
    take: (engine, userId) => eraseAudit(engine, { userId, reason: 'asked_for', origin }),
    isBack: async ({ db }) =>
      (await count(db.selectFrom('audit_personal').selectAll().where('address', '=', '203.0.113.77'))) > 0,
  }),
  'a role that was taken': defineCase({
    give: (engine, userId) => changeRoles(engine, { userId, roles: ['user', 'moderator'], origin }),
    take: (engine, userId) => changeRoles(engine, { userId, roles: ['user'], origin }),
    isBack: async ({ db }, userId) =>
      (await count(
        db.selectFrom('user_roles').selectAll().where('user_id', '=', userId).where('role', '=', 'moderator'),
      )) > 0,
  }),
  'the role of the only administrator that the backup has': defineCase({
    give: (engine, userId) => changeRoles(engine, { userId, roles: ['admin'], origin }),
    take: async (engine, userId) => {
      const { id } = await addUser(engine, 'later-admin', { roles: ['admin'] })
      await setHash(engine, id, 'of the later one')
      return changeRoles(engine, { userId, roles: ['user'], origin })
    },
    isBack: async ({ db }) =>
      (await count(db.selectFrom('user_roles').selectAll().where('role', '=', 'admin'))) > 0,
  }),
  'a permission that a role lost': defineCase({
    give: engine =>
      createRole(
        engine,
        { name: 'editor', description: '', permissions: ['posts:write', 'posts:moderate'] },
        origin,
      ),
    take: engine => changeRole(engine, { name: 'editor', permissions: ['posts:write'], origin }),
    isBack: async ({ db }) =>
      (await count(
        db.selectFrom('role_permissions').selectAll().where('permission', '=', 'posts:moderate'),
      )) > 0,
  }),
  'what a role allowed that was deleted': defineCase({
    give: engine =>
      createRole(engine, { name: 'former', description: '', permissions: ['users:read'] }, origin),
    take: engine => deleteRole(engine, { name: 'former', origin }),
    isBack: async ({ db }) =>
      (await count(db.selectFrom('role_permissions').selectAll().where('role', '=', 'former'))) > 0,
  }),
  'a password that was changed': defineCase({
    give: (engine, userId) => setHash(engine, userId, 'old'),
    take: (engine, userId) => setHash(engine, userId, 'new'),
    isBack: (engine, userId) => opens(engine, userId, 'old'),
  }),
  'a password that an administrator had taken': defineCase({
    give: async (engine, userId) => {
      await setHash(engine, userId, 'stolen')
      await giveAddress(engine, userId, 'forced@example.org')
    },
    take: (engine, userId) => forcePasswordChange(engine, { userId, origin }),
    isBack: (engine, userId) => opens(engine, userId, 'stolen'),
  }),
  'a password alone, where a second factor was added since': defineCase({
    give: (engine, userId) => setHash(engine, userId, 'known to others'),
    take: (engine, userId) => plantTotp(engine, userId),
    isBack: (engine, userId) => opens(engine, userId, 'known to others'),
  }),
  'an address that was given up': defineCase({
    give: (engine, userId) => giveAddress(engine, userId, 'former@example.org'),
    take: (engine, userId) => giveAddress(engine, userId, 'present@example.org'),
    isBack: async (engine, userId) => (await rowOf(engine, userId)).email_verified_at !== null,
  }),
  'an address that was given up, for the link of an administrator to who has no password': defineCase({
    give: async (engine, userId) => {
      await engine.db.updateTable('users').set({ password_hash: null }).where('id', '=', userId).execute()
      await giveAddress(engine, userId, 'taken-over@example.org')
      return givePasskey(engine, userId)
    },
    take: async (engine, userId, { id }) => {
      await giveAddress(engine, userId, 'safe@example.org')
      await engine.db.deleteFrom('passkeys').where('id', '=', id).execute()
      await givePasskey(engine, userId)
    },
    isBack: async (engine, userId) => {
      const { email, username } = await rowOf(engine, userId)
      const locked = await listLockedOut({ db: engine.db, mail: { isOn: true } })
      return email !== null || !locked.includes(username)
    },
  }),
  'an authenticator app that was removed': defineCase({
    give: (engine, userId) => plantTotp(engine, userId),
    take: (engine, userId) => resetFactors(engine, { userId, reason: 'stolen', origin }),
    isBack: async ({ db }, userId) =>
      (await count(db.selectFrom('totp_factors').selectAll().where('user_id', '=', userId))) > 0,
  }),
  'a passkey that was removed, beside one that was not': defineCase({
    give: async (engine, userId) => [await givePasskey(engine, userId), await givePasskey(engine, userId)],
    take: async ({ db }, _, [lost]) =>
      db
        .deleteFrom('passkeys')
        .where('id', '=', lost?.id ?? '')
        .execute(),
    isBack: async (engine, userId) => (await passkeysOf(engine, userId)).length === 2,
  }),
  'a copy of a passkey that was found out': defineCase({
    give: (engine, userId) => givePasskey(engine, userId),
    take: async ({ db }, _, { id }) =>
      db.updateTable('passkeys').set({ cloned_at: 7, counter: 40 }).where('id', '=', id).execute(),
    isBack: async (engine, userId) =>
      (await passkeysOf(engine, userId)).some(({ cloned_at, counter }) => cloned_at === null || counter < 40),
  }),
  'a recovery code that was used': defineCase({
    give: (engine, userId) => enrolWithCodes(engine, userId),
    take: async ({ db }, userId) => {
      const row = await db
        .selectFrom('recovery_codes')
        .selectAll()
        .where('user_id', '=', userId)
        .executeTakeFirst()
      await db
        .deleteFrom('recovery_codes')
        .where('code_hash', '=', row?.code_hash ?? '')
        .execute()
    },
    isBack: async ({ db }, userId) =>
      (await count(db.selectFrom('recovery_codes').selectAll().where('user_id', '=', userId))) === 10,
  }),
  'a code of an authenticator app that was used': defineCase({
    give: (engine, userId) => plantTotp(engine, userId),
    take: async ({ db }, userId) =>
      db.updateTable('totp_factors').set({ last_step: 99_999_999 }).where('user_id', '=', userId).execute(),
    isBack: async ({ db }, userId) => {
      const row = await db
        .selectFrom('totp_factors')
        .selectAll()
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return row?.last_step !== 99_999_999
    },
  }),
  'a link to an identity that was taken away': defineCase({
    give: (engine, userId) => linkIdentity(engine, identity(userId)),
    take: (engine, userId) => unlinkIdentity(engine, identity(userId)),
    isBack: async ({ db }) => (await count(db.selectFrom('identities').selectAll())) > 0,
  }),
  'an issuer that was blocked': defineCase({
    give: nothing,
    take: engine => blockIssuer(engine, { issuer: 'https://bad.example', origin }),
    isBack: async ({ db }) => (await count(db.selectFrom('blocked_issuers').selectAll())) === 0,
  }),
}

/** What adoption alone ends: with an export only what had ended does. */
const keyCases: Record<string, Case> = {
  'an API key that was revoked': defineCase({
    give: (engine, userId) => giveKeyWithId({ engine } as never, userId),
    take: ({ db }, _, { id }) =>
      db.updateTable('api_keys').set({ ended_at: 1, end_reason: 'revoked' }).where('id', '=', id).execute(),
    isBack: (engine, _, { id }) => isKeyLive(engine, id),
  }),
  'an API key of a user who was disabled': defineCase({
    give: (engine, userId) => giveKeyWithId({ engine } as never, userId),
    take: (engine, userId) => disableUser(engine, { userId, origin }),
    isBack: (engine, _, { id }) => isKeyLive(engine, id),
  }),
}

describe('restored with an export, nobody gets back what was taken since the backup', () => {
  const ends: (() => Promise<void> | void)[] = []
  after(async () => {
    for (const end of ends.toReversed()) await end()
  })
  const owner = { after: (end: () => Promise<void> | void) => void ends.push(end) }
  const place = newPlace(owner)
  const given = new Map<string, { readonly userId: string; readonly given: never }>()
  const file = place.file('whole.backup')
  const revocations = place.file('newest.revocations')
  let [url, plain, replayed] = ['', '', '']
  let restored: { readonly without: Engine; readonly with: Engine }
  let kept: { readonly userId: string; readonly keyId: string; readonly passwordHash: string | null }
  let services: readonly string[]
  let adoption: Awaited<ReturnType<typeof adopt>>
  const all = { ...cases, ...keyCases }
  before(async () => {
    ;[url, plain, replayed] = await Promise.all([place.newUrl(), place.newUrl(), place.newUrl()])
    const { engine, close } = await startApp({ after: () => {} }, url)
    for (const [at, [name, one]] of Object.entries(all).entries()) {
      const { id: userId } = await addUser(engine, `case-${at}`)
      given.set(name, { userId, given: (await one.give(engine, userId)) as never })
    }
    const { id: userId } = await addUser(engine, 'untouched')
    const { id: keyId } = await giveKeyWithId({ engine } as never, userId)
    await setHash(engine, userId, 'kept')
    await plantTotp(engine, userId)
    kept = { userId, keyId, passwordHash: hash('kept') }
    services = [(await addService(engine)).id, (await addService(engine)).id]
    await engine.db.updateTable('installation').set({ first_administrator_at: null }).execute()
    await backUp(url, file)
    const [disabled = '', deleted = ''] = services
    await disableService(engine, { serviceId: disabled, origin })
    await deleteService(engine, { serviceId: deleted, origin })
    for (const [name, one] of Object.entries(all)) {
      const own = given.get(name) ?? assert.fail()
      await one.take(engine, own.userId, own.given)
    }
    await writeRevocations(
      { ...engine, secrets, random: systemRandom, clock: systemClock },
      { to: revocations, replace: false },
    )
    await close()
    await restore(plain, file)
    const { manifest } = await load(replayed, file)
    adoption = await adopt(replayed, revocations, Date.parse(manifest.made_at))
    const [one, other] = [await startApp(owner, plain), await startApp(owner, replayed)]
    restored = { without: one.engine, with: other.engine }
  })

  for (const [name, { isBack }] of Object.entries(cases))
    test(name, async () => {
      const own = given.get(name) ?? assert.fail()
      assert.equal(
        await isBack(restored.without, own.userId, own.given),
        true,
        'without an export it is back',
      )
      assert.equal(await isBack(restored.with, own.userId, own.given), false)
    })

  for (const [name, { isBack }] of Object.entries(keyCases))
    test(name, async () => {
      const own = given.get(name) ?? assert.fail()
      for (const engine of [restored.without, restored.with])
        assert.equal(await isBack(engine, own.userId, own.given), false)
    })

  test('a service that was disabled, and one that was deleted', async () => {
    const [disabled = '', deleted = ''] = services
    assert.equal((await rowOf(restored.without, disabled)).disabled_at, null)
    assert.notEqual((await rowOf(restored.with, disabled)).disabled_at, null)
    assert.notEqual((await rowOf(restored.with, deleted)).deleted_at, null)
  })

  test('and whoever lost nothing keeps all: password, factor and API key, which without an export has ended', async () => {
    const { userId, keyId, passwordHash } = kept
    assert.equal((await rowOf(restored.with, userId)).password_hash, passwordHash)
    assert.equal(
      await count(restored.with.db.selectFrom('totp_factors').selectAll().where('user_id', '=', userId)),
      1,
    )
    assert.equal(await isKeyLive(restored.with, keyId), true)
    assert.equal(await isKeyLive(restored.without, keyId), false)
  })

  test('each is counted and told in the audit log, with who lost it', async () => {
    assert.ok((adoption.taken?.users_deleted ?? 0) >= 2)
    const events = await restored.with.db
      .selectFrom('audit_events')
      .select(['event', 'details', 'actor'])
      .where('event', '=', 'revocations.replayed')
      .execute()
    assert.equal(events.length, 1)
    assert.equal(JSON.parse(events[0]?.details ?? '').users_deleted, adoption.taken?.users_deleted)
    const { userId } = given.get('a user who was disabled') ?? assert.fail()
    const told = restored.with.db
      .selectFrom('audit_events')
      .select('id')
      .where('event', '=', 'user.disabled')
      .where('user_id', '=', userId)
    assert.equal(await count(told), 1)
  })

  test('and the audit log verifies whole: what was erased again is covered', async () => {
    await restored.with.sealer.look()
    const source = await openDatabaseSource(restored.with.db)
    const verdict = await verifyChain({ source, anchor: undefined, knownRestores: [], now: Date.now() })
    assert.deepEqual(verdict.faults, [])
    assert.ok(verdict.erased > 0)
  })

  test('the export holds no name, address, hash or secret', () => {
    const text = gunzipSync(readFileSync(revocations)).toString('latin1')
    for (const word of ['case-', '@example.org', 'argon2', 'untouched', 'somebody', secret])
      assert.ok(!text.includes(word), word)
  })

  test('forged or foreign export: one that was changed, one from before the backup, and one of another installation are refused', async () => {
    const other = await place.newUrl()
    await load(other, file)
    const changed = place.file('changed.revocations')
    writeFileSync(changed, readFileSync(revocations).subarray(0, -3))
    await assert.rejects(adopt(other, changed), { name: 'BadFile' })
    await assert.rejects(adopt(other, file), { name: 'BadFile', message: /no revocations file/ })
    await assert.rejects(adopt(other, revocations, Date.now() + 60_000), /older than what was restored/)
    const foreign = await startApp(owner, await place.newUrl())
    const to = place.file('foreign.revocations')
    await writeRevocations(
      { ...foreign.engine, secrets, random: systemRandom, clock: systemClock },
      { to, replace: false },
    )
    await assert.rejects(adopt(other, to), /of another installation/)
    // No start takes what is there meanwhile.
    await assert.rejects(startApp(owner, other), /broken off/)
  })
})
