import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute } from '../ground/clock.ts'
import { createFakeClock } from '../testing/fake-clock.ts'
import { createAddressWatch } from './address-watch.ts'
import { createClientAddress } from './client-address.ts'

/** A peer, and what it says in X-Forwarded-For. */
type Sent = readonly [peer: string, forwardedFor?: string]

const proxy = '10.0.0.1'
const listed = ['10.0.0.0/24']

const open = (trustedProxies: readonly string[]) => {
  const clock = createFakeClock()
  const watch = createAddressWatch({ clock }, trustedProxies)
  const findAddress = createClientAddress(trustedProxies)
  const send = (count: number, ...sent: readonly Sent[]): void => {
    for (let n = 0; n < count; n += 1) {
      const [peer, forwardedFor] = sent[n % sent.length] as Sent
      const rawHeaders = [
        'Host',
        'a',
        ...(forwardedFor === undefined ? [] : ['X-Forwarded-For', forwardedFor]),
      ]
      watch.note({ peer, rawHeaders, address: findAddress(peer, rawHeaders) })
    }
  }
  return { clock, send, find: watch.find }
}

type Row = {
  readonly title: string
  readonly trusted?: readonly string[]
  readonly sent: readonly Sent[]
  readonly count?: number
  readonly found?: string
}

const people: readonly Sent[] = [
  [proxy, '192.0.2.1'],
  [proxy, '192.0.2.2'],
]

const rows: readonly Row[] = [
  { title: 'many people through a listed proxy', sent: people },
  {
    title: 'many people, and now and then one of the proxies themselves',
    sent: [...people, ...people, [proxy]],
  },
  { title: 'one person, who has only begun', sent: [[proxy, '192.0.2.1']], count: 99 },
  { title: 'one address through the listed proxy', sent: [[proxy, '192.0.2.1']], found: 'one-address' },
  {
    title: 'a further proxy before the listed one, which is not listed',
    sent: [[proxy, '198.51.100.1, 203.0.113.1']],
    found: 'one-address',
  },
  { title: 'a proxy that writes no header', sent: [[proxy]], found: 'only-proxies' },
  {
    title: 'two proxies that write no header',
    sent: [[proxy], ['10.0.0.2']],
    found: 'only-proxies',
  },
  {
    title: 'clients that are listed as proxies',
    sent: [
      [proxy, '10.0.0.7'],
      [proxy, '10.0.0.8'],
      [proxy, '192.0.2.1'],
    ],
    found: 'only-proxies',
  },
  {
    title: 'a proxy that is not the listed one',
    sent: [
      ['203.0.113.1', '192.0.2.1'],
      ['203.0.113.1', '192.0.2.2'],
    ],
    found: 'unlisted-proxy',
  },
  {
    title: 'a proxy, and none is listed',
    trusted: [],
    sent: [
      ['203.0.113.1', '192.0.2.1'],
      ['203.0.113.1', '192.0.2.2'],
    ],
    found: 'unlisted-proxy',
  },
  { title: 'one caller without a proxy', trusted: [], sent: [['203.0.113.1']] },
  { title: 'many callers without a proxy', trusted: [], sent: [['203.0.113.1'], ['203.0.113.2']] },
  {
    title: 'strangers who write the header, beside others',
    trusted: [],
    sent: [['203.0.113.1', '6.6.6.6'], ['203.0.113.2', '6.6.6.6'], ['203.0.113.3']],
  },
  {
    title: 'one stranger who writes it sometimes',
    trusted: [],
    sent: [['203.0.113.1', '6.6.6.6'], ['203.0.113.1']],
  },
  { title: 'a proxy by a socket file, which has no address', sent: [['']], found: 'one-address' },
]

describe('a list of trusted proxies', () => {
  for (const { title, trusted = listed, sent, count = 100, found } of rows)
    test(`${found ?? 'nothing'} is found wrong with ${title}`, () => {
      const { send, find } = open(trusted)
      send(count, ...sent)
      assert.equal(find(), found)
    })

  test("that can't be right is found over several minutes, and until five have passed", () => {
    const { clock, send, find } = open(listed)
    for (let minutes = 0; minutes < 5; minutes += 1) {
      assert.equal(find(), undefined)
      send(20, [proxy, '192.0.2.1'])
      clock.advance(minute)
    }
    assert.equal(find(), 'one-address')
    clock.advance(minute)
    assert.equal(find(), undefined, 'the first of them are forgotten')
  })

  test('is right again with the first request from elsewhere', () => {
    const { clock, send, find } = open(listed)
    send(100, [proxy, '192.0.2.1'])
    clock.advance(2 * minute)
    assert.equal(find(), 'one-address')
    send(1, [proxy, '192.0.2.2'])
    assert.equal(find(), undefined)
    clock.advance(4 * minute)
    send(100, [proxy, '192.0.2.2'])
    assert.equal(find(), 'one-address', 'and is judged by what came since')
  })

  test('is judged by nothing when nobody has come', () => {
    assert.equal(open(listed).find(), undefined)
  })
})
