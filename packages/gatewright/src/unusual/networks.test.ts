import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from './networks.ts'

test('a network is an IPv4 /24 or an IPv6 /48, whatever way its address is written', () => {
  assert.equal(networkOf('192.0.2.77'), '192.0.2.0/24')
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.0/24')
  assert.equal(networkOf('2001:db8:1:2::3'), '2001:db8:1::/48')
  assert.equal(networkOf('2001:DB8:1:ffff::'), '2001:db8:1::/48')
  assert.notEqual(networkOf('192.0.3.77'), networkOf('192.0.2.77'))
  assert.equal(networkOf(''), '')
})
