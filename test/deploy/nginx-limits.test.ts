import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { securityHeaders } from '../../packages/gatewright/src/http/security-headers.ts'
import { findFreePort } from '../process/free-port.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Front, type ProxyAnswer, startFront } from './behind-nginx.ts'

const program = await findNginx()

/** One request a second and one more, from whomever the balancer in front names, as gatewright.conf says it. */
const changes: readonly (readonly [string, string])[] = [
  ['rate=200r/s', 'rate=1r/m'],
  ['burst=400', 'burst=1'],
  ['# set_real_ip_from 192.0.2.0/24;', 'set_real_ip_from 127.0.0.1;'],
  ['# real_ip_header', 'real_ip_header'],
  ['# real_ip_recursive', 'real_ip_recursive'],
]
const edit = (text: string): string => changes.reduce((now, [from, to]) => now.replaceAll(from, to), text)

describe('nginx with tight limits, and no server behind it', {
  skip: typeof program === 'string' && program,
}, () => {
  let front: Front
  before(async () => {
    assert.ok(typeof program === 'object')
    front = await startFront(program, { upstreams: [`127.0.0.1:${await findFreePort()}`], edit })
  })
  after(() => front?.close())

  const askFrom = (address: string) => front.ask('me?q=s3cret', { headers: { 'x-forwarded-for': address } })

  const assertProblem = (answer: ProxyAnswer, code: string): void => {
    assert.equal(answer.body?.code, code)
    for (const [name, value] of Object.entries(securityHeaders(front.nginx.publicUrl)))
      assert.equal(answer.header(name), value)
    assert.equal(answer.header('x-request-id'), answer.body?.request_id)
  }

  test('what one address sends too much of is refused with the headers of a limit, and where no server answers that is said', async () => {
    const [one, two, three] = [
      await askFrom('192.0.2.1'),
      await askFrom('192.0.2.1'),
      await askFrom('192.0.2.1'),
    ]
    assert.deepEqual([one.status, two.status, three.status], [502, 502, 429])
    assertProblem(one, 'no_answer')
    assertProblem(three, 'rate_limited')
    assert.equal(three.header('retry-after'), '1')
    assert.equal(three.header('ratelimit-policy'), '"nginx-address";q=200;w=1')
    assert.equal(three.header('ratelimit'), '"nginx-address";r=0;t=1')
    assert.equal((await askFrom('192.0.2.2')).status, 502, 'another address is not refused for it')
    assert.ok(!(front.nginx.readErrors() + front.nginx.readLog()).includes('s3cret'))
  })

  for (const [what, own, others] of [
    [
      'written out',
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff::7', '2001:db8:1:2:3:4:5:6'],
      ['2001:db8:1:3::1', '2001:db8:2:2::1'],
    ],
    [
      'that are shortened',
      ['2001:db8::1', '2001:db8::ffff:1:2:3', '2001:db8::2'],
      ['2001:db8:0:1::1', '2001:db9::1'],
    ],
  ] as const)
    test(`addresses of one IPv6 network ${what} count as one: who has 2^64 of them has no more`, async () => {
      const statuses = []
      for (const address of own) statuses.push((await askFrom(address)).status)
      assert.deepEqual(statuses, [502, 502, 429])
      for (const address of others) assert.equal((await askFrom(address)).status, 502, address)
    })

  test('what the balancer itself was told by a caller is not believed', async () => {
    const statuses = []
    for (const forged of ['6.6.6.1', '6.6.6.2', '6.6.6.3'])
      statuses.push((await askFrom(`${forged}, 192.0.2.9`)).status)
    assert.deepEqual(statuses, [502, 502, 429])
  })
})
