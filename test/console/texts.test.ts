import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { OwnStories } from '../../apps/console/src/activity/en.ts'
import { ownStories, tellEnd, tellOwnEvent } from '../../apps/console/src/activity/own-story.ts'
import { en } from '../../apps/console/src/texts/en.ts'
import {
  type Language,
  languages,
  pickLanguage,
  pickLocale,
  toText,
} from '../../apps/console/src/texts/languages.ts'
import { auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { endReasons } from '../../packages/gatewright/src/ground/end-reasons.ts'

const names = Object.keys(en) as (keyof typeof en)[]
const tags = Object.keys(languages) as Language[]
/** Events of the installation, of services and of people who are no users yet. */
const ofNobody =
  /^(service|role|setup-link|cut-offs|database|signing-key|audit|audit-key|issuer|secret|invitation|access-review)[.]|^user[.](invited|deleted)$|^session[.]all-ended$|^unusual[.](one-password-many-users|many-users-one-address)$/

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

/** The sentences of one kind in each language. */
const sentencesOf = (part: keyof OwnStories, name: string): readonly string[] =>
  tags.map(tag => (ownStories[tag][part] as Readonly<Record<string, string>>)[name] ?? '')

test('what happened to an account is told in every language, with the same filled in', () => {
  for (const part of ['events', 'ended', 'why'] as const)
    for (const name of Object.keys(ownStories.en[part])) {
      const [english = '', ...chinese] = sentencesOf(part, name)
      for (const sentence of chinese) {
        assert.match(sentence, /\p{Script=Han}/u, name)
        assert.deepEqual(placeholders(sentence), placeholders(english), name)
      }
    }
})

test('every end of a session, and every event that may be about a user, has a sentence for its owner', () => {
  assert.deepEqual(
    endReasons.filter(reason => !(reason in ownStories.en.ended)),
    [],
  )
  const untold = Object.keys(auditEvents).filter(event => !(event in ownStories.en.events))
  assert.deepEqual(
    untold.filter(event => !ofNobody.test(event)),
    ['session.ended'],
  )
})

for (const [language, sentence] of [
  ['en', 'You were signed out because your password was changed on 3 May 2026.'],
  ['zh-Hans', '由于密码于 3 May 2026 被更改，您已被退出登录。'],
  ['zh-Hant', '由於密碼於 3 May 2026 變更，您已被登出。'],
] as const)
  test(`why somebody was signed out is said in ${language}, and a reason not heard of is none`, () => {
    const writing = { language, time: () => '3 May 2026' }
    const end = { at: '2026-05-03T10:00:00Z', reason: 'password_changed' }
    assert.equal(tellEnd(writing, end), sentence)
    assert.equal(tellOwnEvent(writing, { ...end, event: 'session.ended', details: {} }), sentence)
    for (const reason of ['unheard_of', '__proto__', 'constructor'])
      assert.equal(
        tellEnd(writing, { ...end, reason }),
        sentencesOf('ended', 'other')[tags.indexOf(language)]?.replace('{time}', '3 May 2026'),
      )
  })

test('an event of the account has its facts, and one that the console does not know its name', () => {
  const writing = { language: 'en', time: String } as const
  const told = (event: string, reason: string | null, details: Record<string, unknown> | null = {}) =>
    tellOwnEvent(writing, { at: '', event, reason, details })
  assert.equal(told('sign-in.failed', 'wrong_password'), 'A sign-in failed: the password was wrong.')
  assert.equal(
    told('credential.refused', 'user_disabled'),
    'Something that was signed in before was refused: the account is disabled.',
  )
  assert.equal(
    told('credential.refused', 'logout'),
    'Something that was signed in before was refused: the session had ended.',
  )
  assert.equal(told('api-key.ended', 'revoked', { name: 'reports' }), 'The API key “reports” ended.')
  assert.equal(told('api-key.ended', 'revoked', null), 'The API key “…” ended.')
  assert.equal(told('order.refunded', null), 'order.refunded')
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
