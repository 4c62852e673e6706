import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { day } from 'gatewright/clock'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Browser, browse, openBrowser } from './browser.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'

const window = 10_000

let t: TestApp
let second: SecondConnection
let ann: Caller
let tab: Browser
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})
beforeEach(async () => {
  ann = await signUp(t, freshName())
  tab = await openBrowser(t, ann.username)
})

const refresh = (token: string): Promise<Answer> =>
  t.call('POST', 'refresh', { body: { refresh_token: token } })
const login = (username: string, shown = 'not the password at all'): Promise<Answer> =>
  t.call('POST', 'login', { body: { username, password: shown } })

/** A refusal of which something stays: how it comes about, and the events that it leaves, with their reasons. */
type Trace = {
  readonly refuse: () => Promise<Answer>
  readonly code: string
  readonly leaves: readonly string[]
}

const wrong = { code: 'invalid_credentials', leaves: ['sign-in.failed wrong_password'] }

const traces: Readonly<Record<string, Trace>> = {
  'a refresh token used again': {
    refuse: async () => {
      t.clock.advance(window)
      await refresh(ann.refresh)
      t.clock.advance(window)
      return refresh(ann.refresh)
    },
    code: 'refresh_token_reused',
    leaves: ['refresh-token.reused null', 'unusual.refresh-reuse null', 'session.ended refresh_token_reused'],
  },
  'a refresh token newer than the live one': {
    refuse: async () => {
      t.clock.advance(window)
      const { body } = await refresh(ann.refresh)
      await second.run('update sessions set generation = 1 where user_id = ?', ann.id)
      return refresh(body.refresh_token)
    },
    code: 'session_ended',
    leaves: ['refresh-token.ahead null', 'session.ended refresh_token_ahead'],
  },
  'a refresh token of a session that was unused for too long': {
    refuse: () => {
      t.clock.advance(15 * day)
      return refresh(ann.refresh)
    },
    code: 'session_ended',
    leaves: ['session.ended idle'],
  },
  'a refresh token of a session that is too old': {
    refuse: async () => {
      await second.run('update sessions set expires_at = 1 where user_id = ?', ann.id)
      return refresh(ann.refresh)
    },
    code: 'session_ended',
    leaves: ['session.ended expired'],
  },
  'a cookie of a session that was unused for too long': {
    refuse: () => {
      t.clock.advance(15 * day)
      return browse(t, tab, 'GET', 'me')
    },
    code: 'session_ended',
    leaves: ['session.ended idle'],
  },
  'a cookie of a session that is too old': {
    refuse: async () => {
      await second.run('update sessions set expires_at = 1 where user_id = ?', ann.id)
      return browse(t, tab, 'GET', 'me')
    },
    code: 'session_ended',
    leaves: ['session.ended expired'],
  },
  'a wrong password at sign-in': { refuse: () => login(ann.username), ...wrong },
  'a wrong password at a step-up': {
    refuse: () =>
      t.call('POST', 'step-up', { token: ann.access, body: { password: 'not the password at all' } }),
    ...wrong,
  },
  'a wrong password at a change of it': {
    refuse: () => {
      const body = { current_password: 'not the password at all', new_password: `${password} anew` }
      return t.call('PUT', 'me/password', { token: ann.access, body })
    },
    ...wrong,
  },
  'the right password of a disabled user': {
    refuse: async () => {
      await disableUser(t.engine, { userId: ann.id, origin })
      return login(ann.username, password)
    },
    code: 'invalid_credentials',
    leaves: ['sign-in.failed user_disabled'],
  },
}

/** What stands in the database for everybody else. */
const readTrace = (): readonly string[] =>
  second
    .rows('select event, reason from audit_events where user_id = ? order by id', ann.id)
    .map(({ event, reason }) => `${event} ${reason}`)

describe('a refusal that leaves a trace: another connection reads it once the refusal is answered', () => {
  for (const [name, { refuse, code, leaves }] of Object.entries(traces))
    test(name, async () => {
      const { status, body } = await refuse()
      assert.deepEqual([status, body.code], [401, code])
      assert.deepEqual(readTrace().slice(-leaves.length), leaves)
      const ended = second.rows('select id from sessions where user_id = ? and ended_at is not null', ann.id)
      const isEnd = leaves.some(each => each.startsWith('session.ended'))
      if (isEnd) assert.equal(ended.length, 1, 'the session has ended')
      for (const { id } of isEnd ? ended : [])
        assert.ok(
          second.row('select place from cut_offs where subject = ?', String(id)),
          'its cut-off is written',
        )
    })
})
