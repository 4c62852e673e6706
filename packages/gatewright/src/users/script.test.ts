import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOfOneScript } from './script.ts'

describe('not of one script', () => {
  const mixed: Readonly<Record<string, string>> = {
    'Latin with a Cyrillic letter': 'pаypal',
    'Latin with a Greek letter': 'gοοgle',
    'Latin with kana': 'aか',
    'Hangul with kana': '가か',
    'Hangul with Bopomofo': '가ㄅ',
    'Bopomofo with kana': 'ㄅか',
    'a mark of another script': 'a\u0e31',
    'a mark that no living script uses': 'a\u0335',
    'an enclosing mark': 'а\u0488',
    'a letter of no script': '\u02bc',
    'a kana sound mark among Han letters of Chinese with Bopomofo': 'ㄅー',
    'a dead script': '𐤀𐤁',
    digits: 'a1',
    spaces: 'a b',
    'half of a surrogate pair': '\ud800',
    'an emoji': '😀',
    'an unassigned character': '\u0378',
  }
  for (const [what, text] of Object.entries(mixed)) test(what, () => assert.equal(isOfOneScript(text), false))
})

describe('of one script', () => {
  for (const text of [
    '',
    'abc',
    'жук',
    'ẹ́',
    '漢字',
    '漢字かなカナー',
    '漢字한글',
    '漢字ㄅㄆ',
    'हिन्दी',
    'ภาษา',
    'مُحَمَّد',
  ])
    test(text || 'nothing', () => assert.equal(isOfOneScript(text), true))
})
