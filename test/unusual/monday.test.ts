import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { startTestApp } from '../harness.ts'
import { hashCheaply, keepHashesCheap } from '../models/cheap-passwords.ts'
import { createSeeded } from '../sessions/seeded.ts'
import { playMonday } from './monday.ts'
import { raisedBy } from './watched.ts'

test('a busy Monday, of 500 people on SQLite, raises nothing but the new telephones, of which their owners are told', async context => {
  const t = await startTestApp({ limitsScale: 1 })
  context.after(() => t.close())
  keepHashesCheap(t.engine.hasher)
  Object.assign(t.engine.hasher, { hash: async (password: string) => hashCheaply(password) })
  const seeded = createSeeded(context)
  let newPhones = 0
  const raised = await raisedBy(t, async () => {
    // The same code on both; PostgreSQL takes three times as long.
    const played = await playMonday(t, seeded, testsDatabase.kind === 'sqlite' ? 500 : 150)
    newPhones = played.newPhones
    context.diagnostic(JSON.stringify(Object.fromEntries(played.met)))
  })
  assert.deepEqual(raised, { 'new-device': newPhones })
  const mails = (await t.deliverMail()).map(({ subject }) => subject)
  assert.equal(mails.filter(subject => subject === 'A sign-in on a new device').length, newPhones)
  assert.equal(mails.filter(subject => subject.startsWith('Unusual')).length, 0)
})
