import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addressCases,
  client,
  proxy,
  spoofed,
  toRawHeaders,
  trustedProxies,
} from '../../../../test/attacks/client-address-cases.ts'
import { createClientAddress } from './client-address.ts'

for (const [group, rows] of Object.entries(addressCases))
  describe(group, () => {
    const findAddress = createClientAddress(trustedProxies)
    for (const { title, peer = proxy, lines, address } of rows)
      test(title, () => assert.equal(findAddress(peer, toRawHeaders(lines)), address))
  })

describe('without trusted proxies', () => {
  const findAddress = createClientAddress([])
  /** Fails as soon as anything of the headers is asked for. */
  const untouchable = new Proxy<string[]>([], {
    get: (_, property) => assert.fail(`read ${String(property)}`),
  })

  test('no header is looked at', () => assert.equal(findAddress(client, untouchable), client))

  test('loopback is a peer like any other', () =>
    assert.equal(findAddress('127.0.0.1', toRawHeaders([spoofed])), '127.0.0.1'))

  test('a mapped peer is still IPv4', () =>
    assert.equal(findAddress(`::ffff:${client}`, untouchable), client))
})

test('an untrusted peer costs no look at the headers', () => {
  const untouchable = new Proxy<string[]>([], {
    get: (_, property) => assert.fail(`read ${String(property)}`),
  })
  assert.equal(createClientAddress(trustedProxies)(client, untouchable), client)
})

describe('a peer without an address is unknown, whatever the headers say', () => {
  for (const trusted of [[], trustedProxies, ['0.0.0.0/0', '::/0']])
    for (const peer of [undefined, '', 'unknown', '/run/gatewright.sock'])
      test(`${peer} with ${trusted.length} trusted ranges`, () =>
        assert.equal(createClientAddress(trusted)(peer, toRawHeaders([spoofed])), 'unknown'))
})

describe('a trusted proxy that is no address stops the start', () => {
  for (const entry of [
    '',
    'loopback',
    '1',
    'true',
    'proxy.example',
    '10.0.0.0/33',
    '10.1.2.3/8',
    '10.0.0.1,10.0.0.2',
  ])
    test(JSON.stringify(entry), () => assert.throws(() => createClientAddress([proxy, entry]), TypeError))
})

test('random lists are read as the plain definition says', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 0) / 2 ** 32
  }
  const trusted = ['10.0.0.2', '10.0.0.3', '2001:db8::1']
  const choices = [...trusted, ...trusted, client, spoofed, 'unknown', '', '_x']
  const findAddress = createClientAddress(trustedProxies)
  for (let round = 0; round < 2_000; round += 1) {
    const elements = Array.from(
      { length: 1 + Math.floor(random() * 8) },
      () => choices[Math.floor(random() * choices.length)] ?? '',
    )
    const stop = elements.findLastIndex(element => !trusted.includes(element))
    const lastTrusted = elements[stop + 1] ?? proxy
    const expected = [client, spoofed].includes(elements[stop] ?? '') ? elements[stop] : lastTrusted
    const lines: string[] = []
    for (const element of elements)
      lines.push(random() < 0.5 && lines.length > 0 ? `${lines.pop()}, ${element}` : element)
    assert.equal(findAddress(proxy, toRawHeaders(lines)), expected, `seed ${seed}: ${JSON.stringify(lines)}`)
  }
})
