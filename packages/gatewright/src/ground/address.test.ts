import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressGroup, createAddressRanges, isLoopback, parseAddress, parseAddressRange } from './address.ts'

describe('what is no address is refused', () => {
  const refused: Readonly<Record<string, readonly string[]>> = {
    nothing: ['', ' ', '-', 'unknown', '_hidden', 'localhost', 'example.org', 'null'],
    'short forms that some programs fill up': [
      '127.1',
      '127.0.1',
      '2130706433',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.',
    ],
    'octal, hexadecimal and leading zeros': [
      '0177.0.0.1',
      '01.2.3.4',
      '1.2.3.04',
      '0x7f.0.0.1',
      '0x7f000001',
    ],
    'numbers out of range': ['1.2.3.256', '256.1.1.1', '-1.2.3.4', '1.2.3.4e0', '12345::', 'g::1'],
    'digits of other scripts': ['١.٢.٣.٤', '１.2.3.4', '1。2.3.4'],
    space: [' 1.2.3.4', '1.2.3.4 ', '1.2.3.4\n', '::1\n', '::1 ', '1.2.3.4\0', '\u00a01.2.3.4'],
    'broken IPv6': [
      ':',
      ':::',
      '1::2::3',
      '1:2:3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '::ffff:1.2.3',
      '::1.2.3.256',
    ],
    'octal in IPv6': ['::ffff:01.2.3.4', '::ffff:0177.0.0.1'],
    'a range': ['1.2.3.4/32', '::1/128', '1.2.3.4-1.2.3.9'],
    'bad ports': [
      '1.2.3.4:',
      '1.2.3.4:65536',
      '1.2.3.4:123456',
      '1.2.3.4:-1',
      '1.2.3.4:_p',
      '1.2.3.4:80:80',
      '[::1]:',
      '[::1]:65536',
      '[::1]80',
      ':80',
    ],
    'bad brackets': [
      '[]',
      '[',
      ']',
      '[::1',
      '::1]',
      '[[::1]]',
      '[1.2.3.4]',
      '[1.2.3.4]:80',
      '[::1]]',
      '[::1][::1]',
      '[]:80',
      '[:80]',
    ],
    'bad zones': ['::1%', '::1%a b', 'fe80::1%eth0%eth1', '1.2.3.4%eth0', '%eth0', '[fe80::1]%eth0'],
    'two addresses': ['1.2.3.4,5.6.7.8', '1.2.3.4 5.6.7.8', '::1,::2'],
    'text that is far too long': [
      '1'.repeat(1e6),
      `fe80::1%${'e'.repeat(1e6)}`,
      `[${':'.repeat(1e6)}`,
      '['.repeat(1e6),
    ],
  }
  for (const [what, texts] of Object.entries(refused))
    test(what, () => {
      for (const text of texts) assert.equal(parseAddress(text), undefined, text.slice(0, 60))
    })
})

describe('an address has one normal form', () => {
  const forms: Readonly<Record<string, readonly string[]>> = {
    '1.2.3.4': [
      '1.2.3.4',
      '1.2.3.4:80',
      '1.2.3.4:0',
      '1.2.3.4:65535',
      '::ffff:1.2.3.4',
      '::FFFF:102:304',
      '[::ffff:1.2.3.4]:80',
      '0:0:0:0:0:ffff:1.2.3.4',
      '::ffff:1.2.3.4%eth0',
    ],
    '127.0.0.1': ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '[::ffff:7f00:1]'],
    '255.255.255.255': ['255.255.255.255', '::ffff:ffff:ffff'],
    '::': ['::', '0::0', '0:0:0:0:0:0:0:0', '[::]'],
    '::1': [
      '::1',
      '0:0:0:0:0:0:0:1',
      '0000::0001',
      '[::1]',
      '[::1]:443',
      '::1%lo',
      '[::1%lo]:443',
      '::0.0.0.1',
    ],
    '::7f00:1': ['::127.0.0.1', '::7f00:1', '::7F00:0001'],
    '2001:db8::1': [
      '2001:db8::1',
      '2001:DB8:0:0:0:0:0:1',
      '2001:0db8::0001',
      '[2001:db8::1]:443',
      '2001:db8::0:1',
    ],
    '2001:db8:0:1::': ['2001:db8:0:1::', '2001:db8:0:1:0:0:0:0'],
    '2001:db8::1:0:0:1': ['2001:db8::1:0:0:1', '2001:db8:0:0:1::1'],
    '1:2:3:4:5:6:7:0': ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7::'],
    '2001:db8::1:8080': ['2001:db8::1:8080'],
    '64:ff9b::102:304': ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    'fe80::1': ['fe80::1%eth0', 'fe80::1%25', 'FE80::1', '[fe80::1%en0]:22'],
    '1:2:3:4:5:6:102:304': ['1:2:3:4:5:6:1.2.3.4'],
  }
  for (const [normal, texts] of Object.entries(forms))
    test(normal, () => {
      for (const text of [...texts, normal]) assert.equal(parseAddress(text), normal, text)
    })

  const randomFrom = (seed: number) => () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
    return (seed >>> 0) / 2 ** 32
  }

  test('as URLs do, for random IPv6 addresses with runs of zeros', t => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    t.diagnostic(`seed ${seed}`)
    const random = randomFrom(seed)
    for (let round = 0; round < 5_000; round += 1) {
      const groups = Array.from({ length: 8 }, () => (random() < 0.6 ? 0 : Math.floor(random() * 65_536)))
      const text = groups.map(group => group.toString(16).padStart(random() < 0.5 ? 4 : 1, '0')).join(':')
      const { hostname } = new URL(`http://[${text}]/`)
      if (groups.slice(0, 5).some(Boolean) || groups[5] !== 0xffff)
        assert.equal(parseAddress(text), hostname.slice(1, -1), `seed ${seed}: ${text}`)
    }
  })
})

describe('the group of an address', () => {
  const groups: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['::1', '::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['unknown', 'unknown'],
    ['', ''],
  ]
  for (const [address, group] of groups)
    test(`${address || 'nothing'} is in ${group || 'nothing'}`, () =>
      assert.equal(addressGroup(address), group))
})

describe('only loopback is loopback', () => {
  for (const address of ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])
    test(`${address} is`, () => assert.equal(isLoopback(address), true))
  for (const address of [
    '128.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '::',
    '::2',
    '::127.0.0.1',
    'localhost',
    'unknown',
    '',
  ])
    test(`${address || 'nothing'} is not`, () => assert.equal(isLoopback(address), false))
  for (const address of ['64:ff9b::127.0.0.1', '2002:7f00:1::', 'fe80::1', '127.1', '169.254.0.1'])
    test(`${address} is not`, () => assert.equal(isLoopback(address), false))
})

describe('a list of ranges', () => {
  const broken: readonly string[] = [
    ...[
      '',
      ' ',
      '*',
      'all',
      'loopback',
      'localhost',
      'true',
      '1',
      '10',
      '10/8',
      '10.0.0.0/',
      '/8',
      '10.0.0.0/33',
    ],
    ...['10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/8.0', '10.0.0.0/255.0.0.0', '10.0.0.0/8/8', ' 10.0.0.0/8'],
    ...[
      '10.0.0.0/8 ',
      '10.0.0.1:80',
      '[::1]',
      '[::]/0',
      '::/129',
      '::1/1e2',
      'fe80::1%eth0',
      'fe80::%eth0/64',
    ],
    ...[
      '10.1.2.3/8',
      '10.0.0.1/31',
      '2001:db8::1/32',
      '2001:db8::1/127',
      '::ffff:10.1.2.3/104',
      '::ffff:0:0/95',
    ],
    ...['127.1', '0177.0.0.1', '10.0.0.0-10.0.0.9', '10.0.0.0/8,11.0.0.0/8', '1.2.3.4\n', '١.٢.٣.٤'],
  ]
  for (const text of broken)
    test(`is refused at once for the entry ${JSON.stringify(text)}`, () => {
      assert.equal(parseAddressRange(text), undefined)
      assert.throws(() => createAddressRanges(['10.0.0.1', text]), {
        name: 'TypeError',
        message: new RegExp(`^${JSON.stringify(text).replace(/[\\*[\].]/g, '\\$&')} is neither`),
      })
    })

  const rows: readonly (readonly [
    list: readonly string[],
    outside: readonly string[],
    inside: readonly string[],
  ])[] = [
    [[], ['1.2.3.4', '::', '127.0.0.1'], []],
    [['10.0.0.1'], ['10.0.0.0', '10.0.0.2', '::a00:1'], ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1']],
    [['10.0.0.0/8'], ['9.255.255.255', '11.0.0.0'], ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3']],
    [['192.0.2.128/25'], ['192.0.2.127', '192.0.3.0'], ['192.0.2.128', '192.0.2.255']],
    [['192.0.2.4/31'], ['192.0.2.3', '192.0.2.6'], ['192.0.2.4', '192.0.2.5']],
    [['0.0.0.0/0'], ['::', '2001:db8::1', '::1'], ['0.0.0.0', '255.255.255.255', '::ffff:1.2.3.4']],
    [['::/0'], ['1.2.3.4', '::ffff:1.2.3.4'], ['::', '2001:db8::1']],
    [['2001:db8::/32'], ['2001:db7:ffff::', '2001:db9::'], ['2001:db8::', '2001:db8:ffff::1']],
    [['2001:db8::/33'], ['2001:db8:8000::'], ['2001:db8:7fff::']],
    [['2001:DB8::1'], ['2001:db8::2'], ['2001:db8::1', '2001:0db8:0::1']],
    [['fe80::/10'], ['fec0::'], ['fe80::1%eth0', 'febf::1']],
    [['::ffff:10.0.0.0/104'], ['11.0.0.0', '::1'], ['10.1.2.3', '::ffff:10.1.2.3']],
    [['::ffff:10.0.0.1'], ['10.0.0.2'], ['10.0.0.1']],
    [['::ffff:0:0/96'], ['::1', '2001:db8::1'], ['1.2.3.4', '::ffff:1.2.3.4']],
    [['127.0.0.0/8'], ['::127.0.0.1', '64:ff9b::7f00:1'], ['127.0.0.1', '::ffff:127.0.0.1']],
    [
      ['10.0.0.0/8', '::1', '192.0.2.1/32'],
      ['192.0.2.2', '::2'],
      ['10.9.9.9', '::1', '192.0.2.1'],
    ],
  ]
  for (const [list, outside, inside] of rows)
    test(`[${list.join(', ')}] holds what it says and nothing else`, () => {
      const holds = createAddressRanges(list)
      for (const text of outside) assert.equal(holds(text), false, text)
      for (const text of inside) assert.equal(holds(text), true, text)
      for (const text of ['unknown', '', '10.0.0', '1']) assert.equal(holds(text), false, text)
    })

  test('does not follow a later change of the list', () => {
    const list = ['10.0.0.1']
    const holds = createAddressRanges(list)
    list.push('0.0.0.0/0')
    assert.equal(holds('192.0.2.1'), false)
  })
})
