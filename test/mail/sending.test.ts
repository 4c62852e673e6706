import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { mailbox } from '../../packages/gatewright/src/ground/mail-address.ts'
import { listGivenUp, tryAgain } from '../../packages/gatewright/src/mail/claim.ts'
import { createSmtpTransport } from '../../packages/gatewright/src/mail/smtp.ts'
import { newTestDatabase } from '../database.ts'
import { createFakeClock } from '../harness.ts'
import { until } from '../process/until.ts'
import { type MailServer, type MailServerOptions, refusal, startMailServer } from './mail-server.ts'
import { queueUp, readMails } from './queue-up.ts'

const from = 'Blog <no-reply@example.org>'
const clock = createFakeClock()
let closing: (() => Promise<void>)[] = []
let database: Awaited<ReturnType<typeof newTestDatabase>>
beforeEach(async () => {
  database = await newTestDatabase()
  closing = [database.drop]
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
})

const open = async (smtpUrl: string, overrides: Partial<Settings> = {}): Promise<Engine> => {
  const settings = defaultSettings({
    nodeEnv: 'test',
    databaseUrl: database.url,
    gatewrightSecret: ['A'.repeat(43)],
    publicUrl: 'https://api.example.org',
    mailFrom: mailbox.parse(from),
    limitsScale: 1_000,
    smtpUrl,
    ...overrides,
  })
  const engine = await compose({ settings, clock, durability: 'off' })
  closing.push(engine.close)
  return engine
}

const serve = async (options?: MailServerOptions): Promise<MailServer> => {
  const server = await startMailServer(options)
  closing.push(server.close)
  return server
}

const recipientOf = ({ to }: { readonly to: readonly string[] }): string | undefined => to[0]

test('a mail arrives once, whole, from us, to one recipient', async () => {
  const server = await serve()
  const engine = await open(server.url)
  await queueUp(engine, 'ann@example.org')
  await engine.mail.deliver()
  await engine.mail.deliver()
  const [mail, ...more] = server.taken
  assert.ok(mail && more.length === 0)
  assert.deepEqual([mail.from, mail.to], ['no-reply@example.org', ['ann@example.org']])
  assert.match(mail.messageId, /^<[\w-]{22}@api\.example\.org>$/)
  assert.match(mail.raw, /^From: Blog <no-reply@example\.org>\r$/m)
  assert.match(mail.raw, /^Auto-Submitted: auto-generated\r$/m)
  assert.match(mail.raw.replaceAll('=\r\n', ''), /https:\/\/api\.example\.org\/console\/reset#x{43}/)
})

test('what a mail says is sealed before it is sent, and erased with the sending', async () => {
  const server = await serve()
  const engine = await open(server.url)
  await queueUp(engine, 'ann@example.org')
  const [waiting] = await readMails(engine)
  assert.ok(waiting && waiting.content.length > 0)
  assert.doesNotMatch(JSON.stringify(waiting), /ann@|xxxx/)
  await engine.mail.deliver()
  const [sent] = await readMails(engine)
  assert.equal(sent?.content, '')
  assert.equal(sent?.sent_at, clock.now())
})

test('of several processes at once each mail is sent by one', async () => {
  const server = await serve()
  const engines = [await open(server.url), await open(server.url), await open(server.url)]
  const [first] = engines
  assert.ok(first)
  const all = Array.from({ length: 30 }, (_, n) => `user-${n}@example.org`)
  for (const to of all) await queueUp(first, to)
  await Promise.all(engines.flatMap(({ mail }) => [mail.deliver(), mail.deliver()]))
  assert.deepEqual(server.taken.map(recipientOf).sort(), all.sort())
})

test('a slow mail server has four connections of a process at once, however many mails wait', async () => {
  const held: (() => void)[] = []
  let isHeld = true
  let atOnce = 0
  let most = 0
  const server = await serve({
    onStep: async step => {
      if (step !== 'data') return
      atOnce += 1
      most = Math.max(most, atOnce)
      if (isHeld) await new Promise<void>(resolve => held.push(resolve))
      atOnce -= 1
    },
  })
  const engine = await open(server.url)
  for (let n = 0; n < 10; n += 1) await queueUp(engine, `user-${n}@example.org`)
  engine.mail.start({ warn: () => {}, error: () => {} })
  await until('four are on their way', () => held.length === 4)
  for (let n = 0; n < 20; n += 1) {
    engine.mail.wake()
    const taken = (await readMails(engine)).filter(({ attempts }) => attempts > 0)
    assert.equal(taken.length, 4)
  }
  isHeld = false
  for (const release of held) release()
  await until('all have arrived', () => server.taken.length === 10)
  assert.ok(most <= 4, `${most} at once`)
})

describe('a server that does not take a mail', () => {
  test('for a while gets it again later, with more time between, under the same Message-ID', async () => {
    let answers = 0
    const server = await serve({
      onStep: step => {
        if (step === 'data' && ++answers <= 2) throw refusal(451)
      },
    })
    const engine = await open(server.url)
    await queueUp(engine, 'ann@example.org')
    await engine.mail.deliver()
    assert.equal(server.seen.length, 1)
    await engine.mail.deliver()
    assert.equal(server.seen.length, 1, 'not before its time')
    clock.advance(1_000)
    await engine.mail.deliver()
    assert.equal(server.seen.length, 2)
    clock.advance(2_000)
    await engine.mail.deliver()
    assert.equal(server.taken.length, 1)
    assert.equal(new Set(server.seen.map(({ messageId }) => messageId)).size, 1)
    assert.equal(new Set(server.seen.map(({ raw }) => /^Date:.*$/m.exec(raw)?.[0])).size, 1)
  })

  test('for good is asked once: the mail is given up, and can be tried again', async () => {
    let isKnown = false
    const server = await serve({
      onStep: step => {
        if (step === 'recipient' && !isKnown) throw refusal(550)
      },
    })
    const engine = await open(server.url)
    await queueUp(engine, 'nobody@example.org')
    await engine.mail.deliver()
    clock.advance(day)
    await engine.mail.deliver()
    const [given, ...more] = await listGivenUp(engine.db, 10)
    assert.ok(given && more.length === 0)
    assert.deepEqual([given.kind, given.problem], ['reset-password', '550'])
    isKnown = true
    assert.equal(await tryAgain(engine.db, clock.now(), given.id), 1)
    await engine.mail.deliver()
    assert.deepEqual(server.taken.map(recipientOf), ['nobody@example.org'])
    assert.deepEqual(await listGivenUp(engine.db, 10), [])
  })

  test('at all for half a day loses nothing: each mail is given up with its content', async () => {
    const server = await serve()
    await server.close()
    const engine = await open(server.url)
    await queueUp(engine, 'ann@example.org')
    for (let attempt = 0; attempt < 30; attempt++) {
      await engine.mail.deliver()
      clock.advance(hour)
    }
    const [given] = await listGivenUp(engine.db, 10)
    assert.ok(given)
    const [row] = await readMails(engine)
    assert.equal(row?.attempts, 24)
    assert.ok(row.content.length > 0)
  })

  test('because of our own password gives no mail up at once', async () => {
    const server = await serve({ credentials: { user: 'us', password: 'right' } })
    const engine = await open(server.url.replace('//', '//us:wrong@'))
    await queueUp(engine, 'ann@example.org')
    await engine.mail.deliver()
    const [row] = await readMails(engine)
    assert.deepEqual([row?.given_up_at, row?.problem], [null, '535'])
  })
})

test('a mail that its taker does not finish is taken by another once the lease is over', async () => {
  const server = await serve({ onStep: step => (step === 'data' ? new Promise(() => {}) : undefined) })
  const other = await serve()
  const stuck = await open(server.url)
  await queueUp(stuck, 'ann@example.org')
  const delivering = stuck.mail.deliver().catch(() => {})
  await until('the server has the mail', () => server.seen.length === 1)
  const engine = await open(other.url)
  await engine.mail.deliver()
  assert.equal(other.taken.length, 0)
  clock.advance(minute)
  await engine.mail.deliver()
  assert.equal(other.taken.length, 1)
  assert.equal(other.taken[0]?.messageId, server.seen[0]?.messageId)
  await server.close()
  await delivering
})

test('credentials are shown to the server', async () => {
  const server = await serve({ credentials: { user: 'us', password: 'p@ss/word' } })
  const engine = await open(server.url.replace('//', '//us:p%40ss%2Fword@'))
  await queueUp(engine, 'ann@example.org')
  await engine.mail.deliver()
  assert.equal(server.taken[0]?.user, 'us')
})

describe('on the way to a server that is not this machine', () => {
  const plain = { messageId: '<1@x>', from: 'a@x.org', to: 'b@x.org', subject: '', text: '', html: '' }
  const message = { ...plain, raw: Buffer.from('x') }
  const connect = ({ port }: MailServer) =>
    createSmtpTransport(
      { host: '127.0.0.1', port, user: 'us', password: 'right', isTls: false, isLocal: false },
      'here',
    )
  const send = (server: MailServer) => connect(server).send(message, new AbortController().signal)

  test('nothing is said without TLS', async () => {
    const server = await serve({ credentials: { user: 'us', password: 'right' } })
    await assert.rejects(send(server), { code: 'ETLS' })
    assert.deepEqual(server.seen, [])
  })

  test('a certificate that proves nothing is refused', async () => {
    const server = await serve({ offersTls: true })
    await assert.rejects(send(server), /self.signed|certificate/i)
    assert.deepEqual(server.seen, [])
  })
})

test('MAIL=off queues nothing', async () => {
  const engine = await open('smtp://127.0.0.1:9', { mail: 'off' })
  await queueUp(engine, 'ann@example.org')
  assert.deepEqual(await readMails(engine), [])
})

describe('an address that would begin another header or name another recipient', () => {
  for (const to of ['ann@example.org\r\nBcc: victim@example.org', 'ann@example.org, victim@example.org', ''])
    test(JSON.stringify(to), async () => {
      const server = await serve()
      const engine = await open(server.url)
      await queueUp(engine, to)
      await engine.mail.deliver()
      assert.deepEqual(server.seen, [])
      assert.equal((await listGivenUp(engine.db, 1))[0]?.problem, 'no-address')
    })
})
