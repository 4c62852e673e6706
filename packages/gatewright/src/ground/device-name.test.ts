import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toDeviceName } from './device-name.ts'

const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0'
const webkit = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'

describe('a device is called', () => {
  const rows: Readonly<Record<string, string>> = {
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0': 'Firefox on Windows',
    [`Mozilla/5.0 (Linux; Android 10; K) ${chrome} Mobile Safari/537.36`]: 'Chrome on Android',
    [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${webkit} Version/18.6 Mobile/15E148 Safari/604.1`]:
      'Safari on iOS',
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Version/18.6 Safari/605.1.15`]:
      'Safari on macOS',
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/142.0.0.0`]:
      'Microsoft Edge on Windows',
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${chrome} Safari/537.36`]: 'Chrome on Chrome OS',
    [`Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) ${webkit} Mobile/15E148 MicroMessenger/8.0.40`]:
      'WeChat on iOS',
    'Mozilla/5.0 (X11; FreeBSD amd64; rv:122.0) Gecko/20100101 Firefox/122.0': 'Firefox',
    'curl/8.14.1': 'curl',
    'python-requests/2.32.5': 'python-requests',
    'PostmanRuntime/7.36.0': 'PostmanRuntime',
    node: 'node',
    'MyShop/3.1 (iPhone; iOS 18)': 'MyShop on iOS',
    'Mozilla/5.0 (Windows NT 10.0)': 'Unknown program on Windows',
  }
  for (const [agent, name] of Object.entries(rows))
    test(`${name} by ${agent.slice(0, 60)}`, async () => assert.equal((await toDeviceName(agent)).text, name))
})

describe('a device that says nothing known is an unknown device', () => {
  const agents: Readonly<Record<string, string>> = {
    'no User-Agent': '',
    blanks: '   ',
    markup: '<img src=x onerror=alert(1)>/1.0 x',
    'right-to-left override': '\u202Eelgoog/1.0 x',
    'an isolate before a name': '\u2067Laptop',
    'letters of another alphabet': 'Сhrome/1.0',
    'a null': '\0curl/1',
    'line breaks': '\r\ncurl/1.0\r\nx: y',
    'a name of 300 letters': 'a'.repeat(300),
    'a text of many words': ' your own laptop in the kitchen, which is safe',
    Mozilla: 'Mozilla/5.0',
    'a slash': '/1.0',
    'a member of every object': '__proto__',
  }
  for (const [what, agent] of Object.entries(agents))
    test(`spoofed device name: ${what}`, async () =>
      assert.deepEqual(await toDeviceName(agent), { program: null, system: null, text: 'Unknown device' }))
})

test('whatever a device says, its name is short and of plain letters, and takes no time', async () => {
  const parts = [
    'Chrome/',
    'Android ',
    'Version/',
    '1.',
    '(',
    '; ',
    'Mac OS X ',
    '\u202E',
    'é',
    '<b>',
    'Safari/',
    ' ',
  ]
  for (const [index, one] of parts.entries())
    for (const other of parts.slice(index)) {
      const { text } = await toDeviceName(`${one}${other}`.repeat(300).slice(0, 300))
      assert.match(text, /^[A-Za-z][\w .-]{0,69}$/)
    }
})

test('of a hostile text behind a name nothing is shown', async () => {
  assert.equal((await toDeviceName('curl/8 <script>alert(1)</script>')).text, 'curl')
  assert.equal((await toDeviceName('evil\u202Etxt/1.0')).text, 'Unknown device')
})
