import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { locales } from '../users/locale.ts'
import { type LetterName, type LetterValues, letters } from './letters.ts'
import { writeMessage } from './message.ts'
import type { Letter } from './queue.ts'
import { mailTexts, renderLetter } from './render.ts'
import { en } from './texts/en.ts'

const names = Object.keys(letters) as readonly LetterName[]
const sender = { appName: 'Blog', publicUrl: 'https://api.example.org' }
const links = {
  verify: 'v1',
  reset: 'r1',
  first: 'f1',
  undo: 'u1',
  notMe: 'n1',
  invitation: 'i1',
  prove: 'p1',
}
const values: LetterValues = {
  username: 'ann',
  at: '2026-11-22T03:04:05.678Z',
  address: '203.0.113.7',
  device: 'Firefox on Linux',
  factor: 'totp',
  email: 'new@example.org',
  inviter: 'bob',
  left: '9',
  issuer: 'https://sso.example.org',
}
const letterOf = (letter: LetterName, more: Partial<Letter> = {}): Letter => ({
  letter,
  to: 'ann@example.org',
  locale: 'en',
  values,
  links,
  ...more,
})

const placesIn = (text: unknown): readonly string[] =>
  [...JSON.stringify(text).matchAll(/\{\w+\}/g)].map(([place]) => place).sort()

describe('every text is there in every language', () => {
  for (const locale of locales)
    test(locale, () => {
      const { letters: texts, ...words } = mailTexts[locale]
      assert.deepEqual(Object.keys(texts).sort(), [...names].sort())
      for (const name of names) {
        const { subject, lines, link } = texts[name]
        for (const text of [subject, ...lines, ...(link === undefined ? [] : [link])])
          assert.match(text, /\S/, name)
        assert.equal(link !== undefined, en.letters[name].link !== undefined, name)
        assert.deepEqual(placesIn(texts[name]), placesIn(en.letters[name]), name)
        if (locale !== 'en') assert.notEqual(subject, en.letters[name].subject, name)
      }
      assert.deepEqual(placesIn(words), placesIn({ ...en, letters: {} }))
    })
})

describe('every mail says what it is for, in plain text and in HTML', () => {
  for (const locale of locales)
    for (const name of names)
      test(`${name} in ${locale}`, () => {
        const { subject, text, html } = renderLetter(letterOf(name, { locale }), sender)
        const all = `${subject}\n${text}\n${html}`
        assert.doesNotMatch(all, /[{}]|undefined/)
        assert.match(html, new RegExp(`<html lang="${locale}">`))
        const row = letters[name]
        if ('link' in row) {
          const address = /^https:\/\/api\.example\.org\/console\/[\w-]+#\w\d$/m.exec(text)?.[0]
          assert.ok(address?.endsWith(`#${links[row.link]}`), 'its own link, and no other')
          assert.ok(html.includes(`href="${address}"`))
        } else assert.doesNotMatch(text, /#/)
      })
})

test('an invitation of the command line names no inviter, in each language', () => {
  for (const locale of locales) {
    const { text } = renderLetter(letterOf('invitation', { locale, values: {} }), sender)
    const [line] = mailTexts[locale].letters.invitation.linesOfNobody ?? []
    assert.ok(line && text.includes(`\n\n${line.replace('{app}', 'Blog')}\n\n`), text)
    assert.equal(text.includes(mailTexts[locale].letters.invitation.lines[0]?.slice(-6) ?? ''), false)
  }
})

test('what a stranger chose is text, on one line', () => {
  const device = '<img src=x onerror=alert(1)>\r\n{app}{{7*7}}<%= 7*7 %>'
  const { text, html } = renderLetter(letterOf('new-device', { values: { ...values, device } }), sender)
  assert.ok(text.includes('Device: <img src=x onerror=alert(1)> {app}{{7*7}}<%= 7*7 %>\n'))
  assert.ok(html.includes('&lt;img src=x onerror=alert(1)&gt;'))
  assert.doesNotMatch(html, /<img/)
})

test('phishing: a name that a thief gave an API key is no link in the mail about it', () => {
  const key = 'https://evil.example/not-me?x=1#y or mailto:m@evil.example'
  const { text, html } = renderLetter(letterOf('api-key-created', { values: { ...values, key } }), sender)
  assert.ok(text.includes('“evil·example·not-me·x·1·y or mailto·m·evil·example”'))
  assert.doesNotMatch(text + html, /evil\.example/)
})

test('phishing: an address that an administrator links somebody to is no link in the mail about it', () => {
  const issuer = 'https://evil.example/choose-a-new-password'
  const { text, html } = renderLetter(letterOf('identity-linked', { values: { ...values, issuer } }), sender)
  assert.ok(text.includes('evil·example·choose-a-new-password'))
  assert.doesNotMatch(text + html, /evil\.example/)
})

test('a subject of two lines is no mail', async () => {
  const post = { ...sender, from: { name: '', address: 'no-reply@example.org' } }
  const values = { inviter: 'bob' }
  const written = writeMessage(
    { ...post, appName: 'A\r\nBcc: v@example.org' },
    letterOf('invitation', { values }),
    {
      id: 'x',
      createdAt: 0,
    },
  )
  await assert.rejects(written, { code: 'two-lines' })
})
