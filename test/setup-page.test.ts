import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from './harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ passwordMinLength: 20 })
})
after(() => t.close())

const read = async (path: string): Promise<string> => (await t.call('GET', path)).text

test('the set-up page has no inline code and a policy that would stop it', async () => {
  const { status, headers, text } = await t.call('GET', '/console/setup', {
    headers: { accept: 'text/html' },
  })
  assert.equal(status, 200)
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/)
  assert.doesNotMatch(text, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:/)
})

test('a form whose script failed sends no password in an address', async () => {
  const page = await read('/console/setup')
  assert.match(page, /<form [^>]*method="post"/)
  assert.match(page, /<button type="submit" disabled/)
})

test('the page says the length that the settings ask for, and leaves no placeholder', async () => {
  const page = await read('/console/setup')
  assert.match(page, /Password \(20 characters or more\)/)
  assert.match(page, /data-minimum="20"/)
  assert.doesNotMatch(page, /\{\{|\}\}/)
})

test('every text of the page stands in English, Simplified and Traditional Chinese', async () => {
  const script = await read('/console/setup.js')
  const [, tables = ''] = /const texts = (\{[\s\S]*?\n\})/.exec(script) ?? []
  const texts = JSON.parse(
    tables
      .replaceAll(/^(\s*)'?([\w-]+)'?:/gm, '$1"$2":')
      .replaceAll(/'(.*)'(,?)$/gm, '"$1"$2')
      .replaceAll(/,(\s*\})/g, '$1'),
  ) as Readonly<Record<string, Readonly<Record<string, string>>>>
  assert.deepEqual(Object.keys(texts), ['en', 'zh-Hans', 'zh-Hant'])
  const names = Object.keys(texts.en ?? {})
  for (const language of Object.values(texts)) assert.deepEqual(Object.keys(language), names)
  const page = await read('/console/setup')
  for (const [, name = ''] of page.matchAll(/data-text="(\w+)"/g)) assert.ok(names.includes(name), name)
})
