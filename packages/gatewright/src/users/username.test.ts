import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { reservedUsernames } from './reserved-usernames.ts'
import { parseUsername, usernameKey } from './username.ts'

const refused: readonly (readonly [problem: RegExp, texts: Readonly<Record<string, string>>])[] = [
  [
    /^Write 2 to 40/,
    {
      nothing: '',
      'one letter': 'a',
      'one letter beyond the basic plane': '𞤀',
      '41 letters': 'a'.repeat(41),
      '41 letters beyond the basic plane': '𞤀'.repeat(41),
      'a ligature that is longer in NFKC': `${'a'.repeat(39)}ﬃ`,
      'a megabyte': 'a'.repeat(1e6),
      'a megabyte of marks': `a${'\u0301'.repeat(1e6)}`,
      'characters that become 18 each': '\ufdfa'.repeat(250),
    },
  ],
  [
    /^Leave out "@"/,
    {
      'an e-mail address': 'ann@example.org',
      'a wide @': 'ann＠example.org',
      'a small @': 'ann﹫x',
      'only @': '@@',
    },
  ],
  [
    /^Leave out invisible/,
    {
      'a zero-width space': 'an\u200bn',
      'a zero-width joiner': 'an\u200dn',
      'a zero-width non-joiner': 'an\u200cn',
      'a word joiner': 'an\u2060n',
      'a byte order mark': '\ufeffann',
      'a soft hyphen': 'an\u00adn',
      'a grapheme joiner': 'an\u034fn',
      'a variation selector': 'ann\ufe0f',
      'a tag character': 'ann\u{e0041}',
      'a Hangul filler, which counts as a letter': 'ann\u3164',
      'a half-width Hangul filler': '\uffa0\uffa0',
      'a Khmer vowel that is never seen': 'ក\u17b4ក',
      'a right-to-left override': 'ann\u202enimda',
      'a left-to-right mark': 'ann\u200e',
      'an isolate': '\u2066ann\u2069',
      'an Arabic letter mark': 'ann\u061c',
      'a Mongolian vowel separator': 'ᠠ\u180eᠠ',
      NUL: 'ann\0',
      'a line break': 'ann\n{"level":"info"}',
      'an escape sequence': 'ann\u001b[2J',
      'a delete': 'ann\u007f',
      'a line separator': 'ann\u2028x',
      'half of a surrogate pair': 'ann\ud800',
      'the other half': '\udc00ann',
      'an interlinear annotation': 'ann\ufff9',
      'a musical format character': 'ann\u{1d173}',
    },
  ],
  [
    /^Write letters, the digits/,
    {
      'a space': 'ann lee',
      'a space in front': ' ann',
      'a space behind': 'ann ',
      'a no-break space': 'ann\u00a0lee',
      'an ideographic space': 'ann\u3000lee',
      'a tag': '"><img src=x onerror=1>',
      'a path': '../etc/passwd',
      'a slash': 'ann/lee',
      'a backslash': 'ann\\lee',
      'a percent sign': 'ann%00',
      'a colon': 'ann:lee',
      'a quote': "ann'or'1",
      'a dollar': 'ann$',
      'a plus': 'ann+lee',
      'a typographic hyphen': 'ann\u2010lee',
      'a dash': 'ann–lee',
      'an emoji': 'ann😀',
      'a Braille blank': 'ann\u2800lee',
      'Arabic digits': 'علي١٢',
      'Devanagari digits': 'राम१',
      'a parenthesised letter': '⑴⒜b',
      'an enclosing mark': 'а\u0488б',
      'a private use character': 'ann\ue000',
      'an unassigned character': 'ann\u0378',
      'an account of': '℀nn',
      'an accent that stands alone': 'ann\u00b4',
    },
  ],
  [
    /^Begin and end/,
    {
      'a dot in front': '.ann',
      'a dash behind': 'ann-',
      'an underscore in front': '_ann',
      'only dots': '..',
      'a wide underscore behind': 'ann＿',
    },
  ],
  [
    /^Write only one of/,
    {
      'two dots': 'a..b',
      'a dot and a dash': 'a.-b',
      'an ellipsis': 'a…b',
      'two underscores': 'a__b',
      'dots in other forms': 'a.․b',
    },
  ],
  [
    /^Write accents and vowel signs on letters/,
    {
      'an accent in front': '\u0301ann',
      'a Thai vowel in front': '\u0e31กข',
      'an accent on a digit': 'a1\u0301',
      'an accent on a dot': 'a.\u0301b',
    },
  ],
  [
    /^Write at most four/,
    {
      'a tower of accents': 'xx\u0300\u0301\u0302\u0303\u0304\u0306',
      'one accent twice': 'ax\u0301\u0301',
      'a dot on a dotted letter': 'i\u0307an',
      'a dot above other marks': 'j\u0323\u0307an',
    },
  ],
  [
    /^Write all letters in one script/,
    {
      'a Cyrillic letter among Latin ones': 'pаypal',
      'a Greek letter among Latin ones': 'αnn',
      'Latin and Han': '田中Taro',
      'Cyrillic and Greek': 'жω',
      'Hangul and kana': '김かな',
      'Bopomofo and kana': 'ㄅか',
      'Latin and Cherokee': 'aᎪ',
      'Arabic and Hebrew': 'עע-عع',
      'two names in two scripts': 'ann.аня',
      'a Thai vowel on a Latin letter': 'ga\u0e31b',
      'a Devanagari vowel on a Bengali letter': 'কি\u093f',
      'a Latin accent on a Han letter': '田\u0301中',
      'an overlay of no script': 'ao\u0335b',
      'an apostrophe that counts as a letter': 'o\u02bcneil',
      'a click that looks like an exclamation mark is Latin, with Cyrillic': 'ж\u01c3',
      'the sign for repeated Arabic letters': 'عـع',
      'letters of a dead script': '𐤀𐤁',
      'letters of a dead script that look Latin': '𐌀𐌁',
      hieroglyphs: '𓀀𓀁',
      'a kana sound mark in Latin': 'annーa',
    },
  ],
]

for (const [problem, texts] of refused)
  describe(`refused with a sentence that begins like ${problem.source}`, () => {
    for (const [what, text] of Object.entries(texts))
      test(what, () => {
        const parsed = parseUsername(text)
        assert.equal(parsed.ok, false)
        assert.match(parsed.problem, problem)
        assert.deepEqual(parseUsername(text, { reserved: 'allow' }), parsed)
      })
  })

describe('a name that people have is taken', () => {
  const taken: readonly (readonly [text: string, key: string])[] = [
    ...['alice', 'bob', 'ann-lee', 'a.b_c-d', 'x2', '42', '0x', 'user1', 'a'.repeat(40)].map(
      n => [n, n] as const,
    ),
    ...([
      ['Alice', 'alice'],
      ['MÜLLER', 'müller'],
      ['Straße', 'strasse'],
      ['STRAẞE', 'strasse'],
    ] as const),
    ...([
      ['Øystein', 'øystein'],
      ['Nguyễn', 'nguyễn'],
      ['Łukasz', 'łukasz'],
      ['İbrahim', 'i̇brahim'],
    ] as const),
    ...([
      ['Ọlá', 'ọlá'],
      ['Ẹ́gbá', 'ẹ́gbá'],
      ['Иван', 'иван'],
      ['Ёлка', 'ёлка'],
      ['Ґанна', 'ґанна'],
    ] as const),
    ...([
      ['Γιώργος', 'γιώργος'],
      ['ΓΙΏΡΓΟΣ', 'γιώργος'],
      ['Արամ', 'արամ'],
      ['გიორგი', 'გიორგი'],
    ] as const),
    ...['محمد', 'مُحَمَّد', 'דוד', 'שָׁלוֹם', 'हिन्दी', 'ज़ाकिर', 'বাংলা', 'தமிழ்', 'తెలుగు', 'ಕನ್ನಡ'].map(
      n => [n, n] as const,
    ),
    ...['മലയാളം', 'සිංහල', 'ภาษาไทย', 'ພາສາລາວ', 'မြန်မာ', 'ខ្មែរ', 'አማርኛ', 'བོད་'.slice(0, 3)].map(
      n => [n, n] as const,
    ),
    ...[
      '田中さん',
      'ラーメン',
      'ひらがな',
      '佐々木',
      '李明',
      '김철수',
      '金철수',
      'ㄅㄆㄇ',
      'ᏣᎳᎩ'.toLowerCase(),
    ].map(n => [n, n] as const),
  ]
  for (const [text, key] of taken)
    test(text, () => {
      assert.deepEqual(parseUsername(text), {
        ok: true,
        username: text.normalize('NFKC'),
        key: key.normalize('NFKC'),
      })
    })

  test('in one form, however it was typed', () => {
    for (const text of ['ａｌｉｃｅ', '𝒶𝓁𝒾𝒸ℯ', 'ⓐⓛⓘⓒⓔ', 'ªlice'])
      assert.deepEqual(parseUsername(text), { ok: true, username: 'alice', key: 'alice' })
    assert.deepEqual(parseUsername('Zoe\u0308'), { ok: true, username: 'Zoë', key: 'zoë' })
    assert.deepEqual(parseUsername('ﾃｽﾄ'), parseUsername('テスト'))
  })

  test('of 40 letters, however many units they are', () => {
    for (const text of ['𞤀'.repeat(40), '가'.repeat(40).normalize('NFD'), 'ǘ'.repeat(40).normalize('NFD')])
      assert.equal(parseUsername(text).ok, true)
  })
})

describe('a reserved name', () => {
  const isReserved = (text: string): boolean => {
    const parsed = parseUsername(text)
    return !parsed.ok && /reserved/.test(parsed.problem)
  }

  for (const name of reservedUsernames)
    test(`${name} is refused in every case, and allowed to the operator`, () => {
      for (const text of [name, name.toUpperCase()]) {
        assert.equal(isReserved(text), true, text)
        assert.equal(parseUsername(text, { reserved: 'allow' }).ok, true, text)
      }
    })

  const fakes: Readonly<Record<string, readonly string[]>> = {
    capitals: ['ADMIN', 'Admin', 'aDmIn', 'GateWright'],
    'digits for letters': [
      'adm1n',
      '4dmin',
      'r00t',
      'm3',
      'h3lp',
      '5upp0rt',
      '5y573m',
      'moder4tor',
      'we8master',
      '9atewright',
    ],
    'l, I and 1 for each other': ['admln', 'admIn', 'adm1n', 'ApI', 'apl', 'nuII', 'nu11', 'heIp'],
    'letters put together': [
      'adrnin',
      'aclmin',
      'adnnin',
      'rnoderator',
      'vvebmaster',
      'ovvner',
      'systern',
      'rne',
      'ANONYRNOUS',
    ],
    separators: ['ad-min', 'a.d.m.i.n', 'no_reply', 'no-reply', 'mailerdaemon', 'gate.wright', 'm.e'],
    accents: ['ádmin', 'admín', 'ådmïñ', 'rööt', 'süpport', 'ḿé', 'a\u0323dmin', 'şystem'],
    strokes: ['røøt', 'ađmin', 'hełp', 'sŧaff', 'mɵderator', 'admɨn', 'ɍoot', 'suƥport'],
    'small capitals and phonetic letters': [
      'ᴀᴅᴍɪɴ',
      'ʀᴏᴏᴛ',
      'ꜱʏꜱᴛᴇᴍ',
      'ɑdmin',
      'admın',
      'ɡatewriɡht',
      'ｒɵɵt',
    ],
    'wide, styled and ringed letters': [
      'ａｄｍｉｎ',
      '𝐚𝐝𝐦𝐢𝐧',
      '𝖗𝖔𝖔𝖙',
      'ⓐⓓⓜⓘⓝ',
      '🄰🄳🄼🄸🄽',
      'ſystem',
      'oﬃcial',
      'Ⅿe',
      'ᵃᵈᵐⁱⁿ',
    ],
    Cyrillic: [
      'аԁміп',
      'аԁмiп'.replace('i', 'і'),
      'гооt'.replace('t', 'т'),
      'арі',
      'ме',
      'ѕуѕтем',
      'АРІ',
      'аԁмі_п',
      'оwпег'.replace('w', 'ԝ'),
    ],
    Greek: ['ΑΡΙ', 'ΜΕ', 'ΤΕΑΜ', 'ΝΟΝΕ', 'αρι', 'ΑΡΪ'],
    Armenian: ['ոսլլ', 'ոսӏӏ'.replaceAll('ӏ', 'լ')],
    Cherokee: ['ᎡᎾᎾᎢ', 'ᎡᎾᎾᎢ'.toLowerCase(), 'ᎪᏢᎥ', 'ᎻᎬᏞᏢ', 'ᎷᎬ'],
    Lisu: ['ꓮꓓꓟꓲꓠ', 'ꓣꓳꓳꓔ', 'ꓮꓑꓲ'],
    'Canadian Aboriginal': ['ᗩᗪᗰᓰᑎ', 'ᕼᗴᒪᑭ', 'ᗰᗴ'],
    'several at once': ['Ａ.Ｄ-Ｍ_1.Ｎ', 'ÁDRN1Ň', '5-Y-5-7-Ê-R-N'],
  }
  for (const [threat, texts] of Object.entries(fakes))
    test(`can't be faked with ${threat}`, () => {
      for (const text of texts) assert.equal(isReserved(text), true, text)
    })

  test('takes no other name away', () => {
    const everyday = [
      ...[
        'Ada',
        'Adam',
        'Admiral',
        'Ali',
        'Amin',
        'Amina',
        'Al',
        'Anna',
        'Apia',
        'Aron',
        'Badminton',
        'Ben',
        'Björn',
      ],
      ...[
        'Carla',
        'Chen',
        'Clara',
        'Danilo',
        'Edwin',
        'Eli',
        'Emma',
        'Eve',
        'Evelyn',
        'Fatima',
        'Fiona',
        'Helen',
      ],
      ...[
        'Ines',
        'Jamie',
        'Kim',
        'Lee',
        'Li',
        'Lila',
        'Lou',
        'Mali',
        'Mae',
        'Max',
        'Mei',
        'Mia',
        'Mila',
        'Moe',
        'Nils',
      ],
      ...[
        'Noa',
        'Noel',
        'Nora',
        'Olli',
        'Omar',
        'Owen',
        'Rhea',
        'Ron',
        'Rosa',
        'Ruth',
        'Sam',
        'Sid',
        'Steffen',
        'Sven',
      ],
      ...[
        'Tea',
        'Ted',
        'Tim',
        'Tom',
        'Tomas',
        'Una',
        'Vera',
        'Will',
        'Yu',
        'Zoe',
        'administration',
        'admin2',
        'rooted',
      ],
      ...[
        'Анна',
        'Мария',
        'Олег',
        'Пётр',
        'Юлия',
        'Ίρις',
        'Μαρία',
        'Νίκος',
        'Όλγα',
        'Անի',
        'Արմեն',
        'Եվա',
        'Նարե',
      ],
      ...[
        'alice',
        'bob',
        'carol',
        'mallory',
        'editor',
        'author',
        'reader',
        'mod',
        'guest',
        'test',
        'user',
        'dave2',
      ],
    ]
    for (const name of everyday) assert.equal(parseUsername(name).ok, true, name)
  })
})

describe('the key', () => {
  test('never throws and stays short, whatever was submitted', () => {
    const texts = [
      '',
      '\0',
      '\ud800',
      'a\udc00b',
      '\ufdfa'.repeat(256),
      'a'.repeat(1e7),
      'ΐ'.repeat(256),
      '@',
      ' Ann ',
    ]
    for (const text of texts) {
      const key = usernameKey(text)
      assert.ok(key.length <= 256 * 18)
      assert.ok(key.isWellFormed() && !key.includes('\0'))
    }
  })

  test('of a longer text is never that of an accepted one', () => {
    for (const behind of [' ', '\0', '\u0301', 'a', '\u200b'])
      assert.equal(usernameKey(`ann${behind.repeat(1_000)}`), '')
  })

  test('of a refused text is not that of the name it resembles', () => {
    for (const text of ['ann ', ' ann', 'ann\0', 'an\u200bn', 'ann\ufeff', 'аnn', 'ann@', 'ann\ud800'])
      assert.notEqual(usernameKey(text), usernameKey('ann'), JSON.stringify(text))
  })

  test('is one for all cases and widths of every letter, and the key of itself', () => {
    const isLetter = /\p{L}|\p{M}|\p{N}/u
    for (let point = 0; point < 0x110000; point += 1) {
      const letter = String.fromCodePoint(point)
      if (!isLetter.test(letter)) continue
      const key = usernameKey(letter)
      const variants = [
        letter.toLowerCase(),
        letter.toUpperCase(),
        letter.normalize('NFKC'),
        letter.normalize('NFD'),
        key,
      ]
      assert.ok(
        variants.every(variant => usernameKey(variant) === key),
        `U+${point.toString(16)}`,
      )
    }
  })

  test('of the text, of the name shown and of the key are one, for random texts that are taken', t => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    t.diagnostic(`seed ${seed}`)
    let state = seed
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      return Math.floor(((state >>> 0) / 2 ** 32) * below)
    }
    const letters = [
      [...'aBzßẞﬃıİǆÅſⅧ\u0301\u0323\u0308ǘ１.-_'],
      [...'αΣσςΰᾳᾼ\u0345\u0301\u0313'],
      [...'жЖёй\u0306\u0308'],
      [...'Ꭰꭰᏸ'],
      [...'ｶﾞガか゛ー漢'],
      [...'가ㄱ\u1100\u1161\u11a8'],
      [...'กำ\u0e31'],
    ]
    let taken = 0
    for (let round = 0; round < 20_000; round += 1) {
      const from = letters[random(letters.length)] ?? []
      const text = Array.from({ length: 2 + random(6) }, () => from[random(from.length)]).join('')
      const parsed = parseUsername(text)
      if (!parsed.ok) continue
      taken += 1
      const again = parseUsername(parsed.username)
      assert.deepEqual(again, parsed, `seed ${seed}: ${JSON.stringify(text)}`)
      for (const variant of [
        text,
        parsed.username,
        parsed.key,
        // Decomposed: a capital of a composed Greek letter may carry its marks elsewhere.
        parsed.username.normalize('NFD').toUpperCase(),
        parsed.username.toLowerCase(),
      ])
        assert.equal(usernameKey(variant), parsed.key, `seed ${seed}: ${JSON.stringify(text)}`)
    }
    assert.ok(taken > 1_000, `${taken} taken`)
  })
})
