import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { OwnStories } from '../../apps/console/src/activity/en.ts'
import { ownStories, tellEnd, tellOwnEvent } from '../../apps/console/src/activity/own-story.ts'
import type { AuditEvent } from '../../apps/console/src/api/audit-answers.ts'
import { parts, stories, tellEvent } from '../../apps/console/src/events/story.ts'
import { en } from '../../apps/console/src/texts/en.ts'
import {
  type Language,
  languages,
  pickLanguage,
  pickLocale,
  toText,
} from '../../apps/console/src/texts/languages.ts'
import { type AuditEventName, auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { storyOf } from '../../packages/gatewright/src/audit/story.ts'
import { becauses } from '../../packages/gatewright/src/audit/story-reasons.ts'
import { endReasons } from '../../packages/gatewright/src/ground/end-reasons.ts'

const names = Object.keys(en) as (keyof typeof en)[]
const tags = Object.keys(languages) as Language[]
/** Events of the installation, of services and of people who are no users yet. */
const ofNobody =
  /^(service|role|setup-link|cut-offs|database|backup|revocations|signing-key|audit|audit-key|issuer|secret|invitation|access-review)[.]|^user[.](invited|deleted)$|^session[.]all-ended$|^unusual[.](one-password-many-users|many-users-one-address)$/

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

const chinese = Object.keys(stories) as (keyof typeof stories)[]

/** What a sentence is made of; the API names a device in its own sentence only. */
const partsOf = (sentence: string): readonly string[] =>
  [...new Set([...sentence.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name))]
    .filter(name => name !== 'device')
    .sort()

for (const tag of chinese)
  test(`${tag} has a sentence for administrators of every event, made of what the English one is`, () => {
    const { events, endings, reasons } = stories[tag]
    assert.deepEqual(Object.keys(events).sort(), Object.keys(auditEvents).sort())
    for (const event of Object.keys(auditEvents) as AuditEventName[]) {
      assert.match(events[event], /\p{Script=Han}/u, event)
      assert.doesNotMatch(events[event], /\{device\}/, event)
      assert.deepEqual(partsOf(events[event]), partsOf(storyOf(event)), event)
      const unknown = partsOf(events[event]).filter(
        name => !(name in parts || name in auditEvents[event].fields),
      )
      assert.deepEqual(unknown, [], event)
    }
    assert.deepEqual(Object.keys(endings).sort(), endReasons.toSorted())
    const words = { ...endings, ...ownStories[tag].why, ...reasons }
    assert.deepEqual(
      Object.keys(becauses).filter(reason => !(reason in words)),
      [],
    )
  })

const happened: AuditEvent = {
  id: '1',
  at: '2026-05-03T10:00:00Z',
  event: 'session.ended',
  text: 'In English.',
  user: { id: 'u1', username: 'ann' },
  actor: 'u1',
  api_key_id: null,
  session_id: null,
  address: null,
  request_id: null,
  reason: null,
  details: {},
  erased: [],
  position: null,
}

for (const [changes, simplified, traditional] of [
  [
    { actor: 'u2', reason: 'user_disabled', address: '192.0.2.7' },
    'ann 的会话已结束，原因：管理员（u2）停用了用户（来自 192.0.2.7）。',
    'ann 的工作階段已結束，原因：管理員（u2）停用了使用者（來自 192.0.2.7）。',
  ],
  [
    { event: 'user.created', actor: 'command-line', details: { roles: ['admin', 'author'] } },
    '命令行创建了用户 ann，角色为 admin、author。',
    '命令列建立了使用者 ann，角色為 admin、author。',
  ],
  [
    { event: 'sign-in.failed', user: null, actor: null, reason: 'wrong_password' },
    '未知用户的登录或身份确认失败，原因：密码错误。',
    '未知使用者的登入或身分確認失敗，原因：密碼錯誤。',
  ],
  [
    { event: 'access.refused', reason: 'insufficient_permission', details: { lacks: 'a:b', count: 3 } },
    'ann 的操作被拒绝，原因：缺少权限（缺少：a:b），共 3 次。',
    'ann 的操作遭拒，原因：缺少權限（缺少：a:b），共 3 次。',
  ],
  [
    { event: 'identity.linked', user: { id: 'u1', username: null }, erased: ['subject'], details: {} },
    '用户 u1 将未知的（已抹除）关联到用户 u1。',
    '使用者 u1 將未知的（已抹除）連結到使用者 u1。',
  ],
  [
    { event: 'role.deleted', actor: null, details: { role: '{who}\u202e' } },
    '有人删除了角色 {who}。',
    '有人刪除了角色 {who}。',
  ],
  [{ reason: '__proto__' }, 'ann 的会话已结束，原因：__proto__。', 'ann 的工作階段已結束，原因：__proto__。'],
] as const)
  test(`an administrator reads in Chinese: ${simplified}`, () => {
    const event = { ...happened, ...changes }
    assert.deepEqual(tellEvent('zh-Hans', event), { text: simplified, lang: undefined })
    assert.deepEqual(tellEvent('zh-Hant', event), { text: traditional, lang: undefined })
    assert.deepEqual(tellEvent('en', event), { text: 'In English.', lang: 'en' })
  })

test('an event that a language has no sentence for is told in English, and marked as that', () => {
  for (const event of ['order.refunded', 'constructor', '__proto__'])
    for (const tag of tags)
      assert.deepEqual(tellEvent(tag, { ...happened, event }), { text: 'In English.', lang: 'en' })
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
