import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { en } from '../../apps/console/src/texts/en.ts'
import {
  type Language,
  languages,
  pickLanguage,
  pickLocale,
  toText,
} from '../../apps/console/src/texts/languages.ts'

const names = Object.keys(en) as (keyof typeof en)[]
const tags = Object.keys(languages) as Language[]
const placeholders = (text: string): readonly string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort()

for (const tag of tags)
  test(`${tag} has every text, with what is filled in`, () => {
    assert.deepEqual(Object.keys(languages[tag].texts), names)
    for (const name of names) {
      assert.notEqual(languages[tag].texts[name].trim(), '', name)
      assert.deepEqual(placeholders(languages[tag].texts[name]), placeholders(en[name]), name)
    }
  })

test('no text is left in English, and Simplified and Traditional are not copies of each other', () => {
  const isChinese = /\p{Script=Han}/u
  for (const name of names)
    for (const tag of tags.slice(1)) assert.match(languages[tag].texts[name], isChinese, `${tag} ${name}`)
  const same = names.filter(name => languages['zh-Hans'].texts[name] === languages['zh-Hant'].texts[name])
  assert.ok(same.length < names.length / 5, same.join(', '))
})

test('a name that is filled in cannot turn the rest of its sentence around', () => {
  const text = toText('en', 'roleDeleteOf', { name: 'a\u202eb\u2066' })
  assert.equal(text, toText('en', 'roleDeleteOf', { name: 'ab' }))
})

test('every text is used', () => {
  const src = join(import.meta.dirname, '../../apps/console/src')
  const code = globSync('**/*.{ts,tsx}', { cwd: src, exclude: ['texts/*'] })
    .map(path => readFileSync(join(src, path), 'utf8'))
    .join('\n')
  assert.deepEqual(
    names.filter(name => !code.includes(`'${name}'`)),
    [],
  )
})

for (const [wanted, expected] of [
  [['en-US'], 'en'],
  [['zh-CN'], 'zh-Hans'],
  [['zh'], 'zh-Hans'],
  [['zh-Hans-HK'], 'zh-Hans'],
  [['zh-TW'], 'zh-Hant'],
  [['zh-HK', 'en'], 'zh-Hant'],
  [['zh-Hant-CN'], 'zh-Hant'],
  [['fr', 'zh-TW', 'en'], 'zh-Hant'],
  [['fr', 'de'], 'en'],
  [['english', 'zhuang'], 'en'],
  [[], 'en'],
] as const)
  test(`a browser that wants ${wanted.join(', ') || 'nothing'} gets ${expected}`, () => {
    assert.equal(pickLanguage(wanted), expected)
  })

test('dates are written as the browser wants them for the language, whichever was chosen', () => {
  assert.equal(pickLocale('en', ['fr', 'en-GB']), 'en-GB')
  assert.equal(pickLocale('zh-Hant', ['zh-CN', 'zh-HK']), 'zh-HK')
  assert.equal(pickLocale('zh-Hans', ['en-GB']), 'zh-Hans')
})
