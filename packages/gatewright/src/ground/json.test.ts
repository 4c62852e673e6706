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
    ...['{"a:":1,"a:":2}', '{"role":"user","role":"admin"}', '{"a":1e400,"a":1}'],
    ...['{"toString":1,"toString":2}', '{"length":1,"length":2}', '{"a":[],"b":[{"c":1,"c":1}]}'],
  ],
  forbidden_name: [
    ...[
      '__proto__',
      'constructor',
      'prototype',
      '\\u005f_proto__',
      'constructo\\u0072',
      '\\\\',
      'a\\u005cb',
    ].flatMap(name => [`{"${name}":1}`, `{"a":[{"${name}":{"isAdmin":true}}]}`]),
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
  size: [
    `[${'0,'.repeat(5_000)}0]`,
    `{${Array.from({ length: 5_001 }, (_, n) => `"n${n}":0`).join()}}`,
    `[${Array.from({ length: 51 }, () => `{${Array.from({ length: 100 }, (_, n) => `"n${n}":0`).join()}}`).join()}]`,
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
    ...['{"a":":","b":"\\":\\\\"}', '[":::"]', '{"x":":\\\\\\":"}', '{":":":"}', '{"a":"{\\"a\\":1}"}'],
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
      // The time of this process: how long others keep it from running says nothing.
      const before = process.cpuUsage()
      try {
        parseJson(text)
      } catch (error) {
        assert.ok(error instanceof JsonError)
      }
      assert.ok(process.cpuUsage(before).user < 1e6)
    })
})

const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const misread = String.raw

describe('Threat: V8 takes an escaped name for another one that it read before (nodejs/node#63785)', () => {
  const rows: readonly (readonly [planted: string, text: string])[] = [
    [misread`{"p":1,"\\":2}`, misread`{"p":1,"\u0062":2}`],
    [misread`{"q":1,"\\":2}`, misread`{"q":1,"\u0071":2}`],
    [misread`{"r":1,"\\u0":2}`, misread`{"r":1,"\u0061bc":2}`],
    [misread`{"s":1,"x\\":2}`, misread`{"s":1,"x\n":2}`],
    [misread`{"t":1,"\\u005f_p":2}`, misread`{"t":1,"\u005f_proto__":2}`],
    [misread`[{"u":1,"é\\":2}]`, misread`[{"u":1,"é\t":2}]`],
  ]
  for (const [planted, text] of rows)
    test(`${text} is not read as ${planted}`, () => {
      JSON.parse(planted)
      assert.throws(() => parseJson(planted), isRefusedFor('forbidden_name'))
      // Refused where V8 has the bug, read rightly where it has not.
      try {
        assert.deepStrictEqual(parseJson(text), readPlainly(text))
      } catch (error) {
        assert.ok(error instanceof JsonError, String(error))
      }
    })
})

/**
 * Reads JSON the plain way, name by name, and throws for equal names and for backslashes in names. Slow and
 * trusting, so it is only the oracle here. It gives each name to `JSON.parse` alone, where no other is near.
 */
const readPlainly = (text: string): unknown => {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g) ?? []
  let at = 0
  const readList = (end: string, readItem: () => void): void => {
    at += 1
    while (tokens[at] !== end) {
      readItem()
      if (tokens[at] === ',') at += 1
    }
    at += 1
  }
  const read = (): unknown => {
    const items: unknown[] = []
    const members = new Map<string, unknown>()
    if (tokens[at] === '[') readList(']', () => items.push(read()))
    else if (tokens[at] === '{') readList('}', () => readMember(members))
    else return JSON.parse(tokens[at++] ?? '')
    return tokens[at - 1] === ']' ? items : Object.fromEntries(members)
  }
  const readMember = (members: Map<string, unknown>): void => {
    const name = JSON.parse(tokens[at] ?? '') as string
    if (members.has(name) || name.includes('\\')) throw new SyntaxError(name)
    at += 2
    members.set(name, read())
  }
  return read()
}

test('random texts are read as the plain way reads them, or refused as it refuses them', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? ''
  const list = (make: () => string): string =>
    Array.from({ length: Math.floor(random() * 4) }, make).join(' , ')
  const planted = ['"\\\\"', '"\\u005c"', '"a\\\\"']
  const plain = ['"a"', '"b"', '":"', '"{"', '""', '"ab"', '"c"', '"d"', '"é"']
  const escaped = ['"\\u0061"', '"\\":"', '"a\\u0062"', '"\\n"', '"\\u00e9"']
  const name = (): string => pick(random() < 0.02 ? planted : random() < 0.3 ? escaped : plain)
  const value = (levels: number): string =>
    [
      () => name(),
      () => pick(['0', '1.5', 'true', 'null', '"\\\\\\":,"']),
      () => `[${list(() => value(levels - 1))}]`,
      () => `{${list(() => `${name()} : ${value(levels - 1)}`)}}`,
      () => `{${list(() => `${name()}:${value(levels - 1)}`)}}`,
    ][Math.floor(random() * (levels === 0 ? 2 : 5))]?.() ?? ''

  const outcome = (read: () => unknown): { readonly value?: unknown; readonly reason?: unknown } => {
    try {
      return { value: read() }
    } catch (error) {
      return { reason: error instanceof JsonError ? error.reason : 'duplicate_name' }
    }
  }
  const counts = { refused: 0, read: 0, misread: 0 }
  for (let round = 0; round < 10_000; round += 1) {
    const text = value(5)
    const [got, expected] = [outcome(() => parseJson(text)), outcome(() => readPlainly(text))]
    if (got.reason === undefined) assert.deepStrictEqual(got, expected, `seed ${seed}: ${text}`)
    else if (expected.reason === undefined)
      assert.equal(got.reason, 'forbidden_name', `seed ${seed}: ${text}`)
    counts[got.reason === undefined ? 'read' : expected.reason === undefined ? 'misread' : 'refused'] += 1
  }
  t.diagnostic(JSON.stringify(counts))
  assert.ok(counts.refused > 200 && counts.read > 1_000, JSON.stringify(counts))
})
