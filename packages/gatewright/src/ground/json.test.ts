import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { JsonError, type JsonReason, parseJson, parseJsonBytes } from './json.ts'

const isRefusedFor = (reason: JsonReason) => (error: unknown) =>
  error instanceof JsonError && error.reason === reason

const nested = (levels: number, open = '[', close = ']'): string => open.repeat(levels) + close.repeat(levels)

const refused: Readonly<Record<JsonReason, readonly string[]>> = {
  encoding: [],
  syntax: [
    ...['', ' ', '{', '[1,]', '{"a":1,}', "{'a':1}", '{a:1}', '01', '+1', '.5', '1.', '0x10', '1_000', '--1'],
    ...['NaN', 'Infinity', '-Infinity', 'undefined', 'nul', '"a', '"\t"', '"\\x41"', '"\\u12"', '"\\u{41}"'],
    ...[
      '1 2',
      '{}{}',
      '[] // no',
      '/* no */ 1',
      '\ufeff1',
      '\u00a01',
      '1\u2028',
      '1\0',
      '"\0"',
      '{"a"}',
      ':',
    ],
  ],
  depth: [
    ...[nested(33), nested(33, '{"a":', '}').replace(':}', ':1}'), nested(100_000)],
    ...[`{"a":${nested(32)}}`, `[1,{"b":[${nested(31)}]}]`],
  ],
  duplicate_name: [
    ...['{"a":1,"a":1}', '{"a":1,"b":2,"a":3}', '{"":1,"":2}', '{"a":1,"\\u0061":2}', '{"\\u0061":1,"a":2}'],
    ...['[[{"x":{"a":1 , "a":2}}]]', '{"a":{"b":{}},"a":{"b":{}}}', '{"1":1,"1":2}', '{"\\"":1,"\\u0022":2}'],
    ...['{"a/b":1,"a\\/b":2}', '{"é":1,"\\u00e9":2}', '{"\\ud83d\\ude00":1,"😀":2}', '{"a":{"c":1},"a":1}'],
    ...['{"a:":1,"a:":2}', '{"role":"user","role":"admin"}', '{"\\\\":1,"\\u005c":2}', '{"a":1e400,"a":1}'],
    ...['{"toString":1,"toString":2}', '{"length":1,"length":2}', '{"a":[],"b":[{"c":1,"c":1}]}'],
  ],
  forbidden_name: [
    ...['__proto__', 'constructor', 'prototype', '\\u005f_proto__', 'constructo\\u0072'].flatMap(name => [
      `{"${name}":1}`,
      `{"a":[{"${name}":{"isAdmin":true}}]}`,
    ]),
  ],
  text: [
    ...[
      '"\\u0000"',
      '["a\\u0000b"]',
      '{"\\u0000":1}',
      '{"a":{"b\\u0000":1}}',
      '"\\ud800"',
      '"\\udc00\\ud800"',
    ],
    ...['{"\\udfff":1}', '"a\\ud83d"', `"\ud800"`, `{"\udc00":1}`, '["\\ud83dx\\ude00"]'],
  ],
  number: [
    ...['1e400', '-1e400', '[1e309]', '{"a":-1e999999999}', '9007199254740992', '-9007199254740992', '1e20'],
    ...['9007199254740993', '9007199254740993.0', '9007199254740992.5', '123456789012345678901234567890'],
    ...['9'.repeat(400), '[[1.7976931348623157e308]]'],
  ],
}

for (const [reason, texts] of Object.entries(refused) as [JsonReason, readonly string[]][])
  test(`what is refused as ${reason} is refused`, () => {
    for (const text of texts) assert.throws(() => parseJson(text), isRefusedFor(reason), text.slice(0, 60))
  })

describe('what every parser reads the same is read', () => {
  const read: readonly string[] = [
    ...[
      'null',
      'true',
      'false',
      '0',
      '-0',
      '1',
      '-1.5',
      '1e3',
      '1E-7',
      '""',
      '"a"',
      '[]',
      '{}',
      ' [ ] \r\n\t',
    ],
    ...['9007199254740991', '-9007199254740991', '0.1', '1.7976931348623157e-308', '1e-400', '5e-324'],
    ...['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"a":1,"A":2}', '{"é":1,"e\u0301":2}', '{"2":1,"1":2}'],
    ...['{"a":":","b":"\\":\\\\"}', '[":::"]', '{"\\\\":":\\\\\\":"}', '{":":":"}', '{"a":"{\\"a\\":1}"}'],
    ...['{"proto":1,"__proto":2,"Constructor":3}', '"\\ud83d\\ude00"', '"😀"', '"\u2028"', '"\\u0001"'],
    ...['{"toString":1,"hasOwnProperty":2,"length":3}', nested(32), `{"a":${nested(31)}}`],
  ]
  for (const text of read)
    test(text.slice(0, 60), () => assert.deepStrictEqual(parseJson(text), JSON.parse(text)))
})

test('a message tells nothing of the text, nor does a cause', () => {
  for (const text of ['{"hunter2', '{"hunter2":1,"hunter2":2}', '{"hunter2":1e999}', '["hunter2\\u0000"]'])
    assert.throws(
      () => parseJson(text),
      (error: Error) => !`${error.stack}${JSON.stringify(error)}`.includes('hunter2') && !error.cause,
    )
})

describe('bytes', () => {
  const refusedBytes: readonly (readonly [string, readonly number[]])[] = [
    ['a byte order mark of UTF-8 cut in two', [0xef, 0xbb]],
    ['UTF-16', [0xff, 0xfe, 0x31, 0x00]],
    ['an overlong quote', [0xc0, 0xa2, 0xc0, 0xa2]],
    ['an overlong NUL', [0x22, 0xc0, 0x80, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character beyond Unicode', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['Latin-1', [0x22, 0xe9, 0x22]],
    ['a cut-off character', [0x31, 0xe2, 0x82]],
  ]
  for (const [name, bytes] of refusedBytes)
    test(`that are not UTF-8 are refused: ${name}`, () =>
      assert.throws(() => parseJsonBytes(Uint8Array.from(bytes)), isRefusedFor('encoding')))

  test('with a byte order mark are refused, one or two', () => {
    for (const mark of ['\ufeff', '\ufeff\ufeff'])
      assert.throws(() => parseJsonBytes(Buffer.from(`${mark}{}`)), isRefusedFor('syntax'))
  })

  test('none at all are refused', () =>
    assert.throws(() => parseJsonBytes(new Uint8Array()), isRefusedFor('syntax')))

  test('of UTF-8 are read, also after a refusal', () => {
    assert.throws(() => parseJsonBytes(Uint8Array.of(0x31, 0xe2, 0x82)), isRefusedFor('encoding'))
    assert.deepEqual(parseJsonBytes(Buffer.from('{"é":"😀"}')), { é: '😀' })
  })
})

describe('256 KiB made to be slow', () => {
  const size = 256 * 1024
  const fill = (before: string, part: string, after: string): string =>
    before + part.repeat(Math.floor((size - before.length - after.length) / part.length)) + after
  const names = (count: number, name: (at: number) => string): string =>
    `{${Array.from({ length: count }, (_, at) => `${JSON.stringify(name(at))}:0`).join()}}`

  const slow: Readonly<Record<string, string>> = {
    'one name over and over': fill('{', '"a":1,', '"a":1}'),
    'names all different': names(20_000, at => `name${at}`),
    'names that are numbers': names(20_000, at => String(at * 65_536)),
    'long names that differ in the last letter': names(64, at => 'x'.repeat(4_000) + at),
    'one string of escapes': fill('"', '\\"', '"'),
    'one string of backslashes': fill('"', '\\\\', '"'),
    'one string of colons': fill('"', ':', '"'),
    'open strings': fill('', '"\\', ''),
    'open arrays': fill('', '[', ''),
    'nested arrays': nested(size / 2),
    'nested objects': nested(size / 12, '{"a":', '}'),
    'one number': fill('', '9', ''),
    'one exponent': fill('1e', '9', ''),
    'one fraction': fill('0.', '1', ''),
    'half surrogates': fill('["', '\\ud800', '"]'),
    'white space': fill('', ' ', '1'),
    'many small objects': fill('[', '{"a":[]},', '1]'),
  }
  for (const [name, text] of Object.entries(slow))
    test(`${name} takes far less than a second`, { timeout: 5_000 }, () => {
      const start = performance.now()
      try {
        parseJson(text)
      } catch (error) {
        assert.ok(error instanceof JsonError)
      }
      assert.ok(performance.now() - start < 1_000)
    })
})

const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

/** Finds equal names the plain way, with a set per object: slow to trust, so it is only the oracle here. */
const hasDuplicate = (text: string): boolean => {
  const open: Set<string>[] = []
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g)].map(([token]) => token)
  return tokens.some((token, at) => {
    if (token === '{') open.push(new Set())
    if (token === '}') open.pop()
    if (!token.startsWith('"') || tokens[at + 1] !== ':') return false
    const name = JSON.parse(token) as string
    const names = open.at(-1)
    return names?.has(name) || !names?.add(name)
  })
}

test('in random texts exactly those with a name twice in one object are refused', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? ''
  const list = (make: () => string): string =>
    Array.from({ length: Math.floor(random() * 4) }, make).join(' , ')
  const name = (): string =>
    pick(['"a"', '"\\u0061"', '"b"', '":"', '"\\":"', '"\\\\"', '"\\u005c"', '"{"', '""'])
  const value = (levels: number): string =>
    [
      () => name(),
      () => pick(['0', '1.5', 'true', 'null', '"\\\\\\":,"']),
      () => `[${list(() => value(levels - 1))}]`,
      () => `{${list(() => `${name()} : ${value(levels - 1)}`)}}`,
      () => `{${list(() => `${name()}:${value(levels - 1)}`)}}`,
    ][Math.floor(random() * (levels === 0 ? 2 : 5))]?.() ?? ''

  const counts = { refused: 0, read: 0 }
  for (let round = 0; round < 5_000; round += 1) {
    const text = value(5)
    if (hasDuplicate(text)) {
      assert.throws(() => parseJson(text), isRefusedFor('duplicate_name'), `seed ${seed}: ${text}`)
      counts.refused += 1
    } else {
      assert.deepStrictEqual(parseJson(text), JSON.parse(text), `seed ${seed}: ${text}`)
      counts.read += 1
    }
  }
  assert.ok(counts.refused > 200 && counts.read > 200, JSON.stringify(counts))
})
