import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from 'playwright-core'
import { findChromium, launchBrowser, missingChromium } from '../browser.ts'
import { password, startTestApp } from '../harness.ts'

const chromium = findChromium()

/** As docs/kubernetes.md lays them out: each application at a host name of its own. */
const others = ['example.org', 'www.example.org', 'api.example.org', 'x.accounts.example.org']

test('one session for all: a browser sends the cookie of accounts.example.org to no other host, whoever asks for it', {
  skip: chromium === undefined && missingChromium,
}, async context => {
  const publicUrl = 'https://accounts.example.org'
  const t = await startTestApp({ publicUrl })
  context.after(() => t.close())
  const headers = { origin: publicUrl, 'content-type': 'application/json' }
  const account = { username: 'alice', password }
  await t.app.inject({ method: 'POST', url: '/api/v1/register', headers, payload: account })
  const browser = await launchBrowser(chromium ?? '')
  context.after(() => browser.close())
  const page = await browser.newPage()
  const got = new Map<string, string>()
  const answer = async (route: Route): Promise<void> => {
    const request = route.request()
    const { host, pathname } = new URL(request.url())
    got.set(`${host}${pathname}`, (await request.allHeaders()).cookie ?? '')
    if (host !== 'accounts.example.org' || pathname === '/')
      return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>x</title>' })
    const signedIn = await t.app.inject({ method: 'POST', url: pathname, headers, payload: account })
    const cookie = String(signedIn.headers['set-cookie'])
    return route.fulfill({ status: signedIn.statusCode, headers: { 'set-cookie': cookie } })
  }
  await page.route('**/*', answer)

  await page.goto(`${publicUrl}/`)
  const signIn = `fetch('/api/v1/sessions', { method: 'POST' }).then(({ status }) => status)`
  assert.equal(await page.evaluate(signIn), 201)
  await page.goto(`${publicUrl}/`)
  assert.match(got.get('accounts.example.org/') ?? '', /^__Host-gw_session=gws_/)
  for (const host of others) {
    await page.goto(`https://${host}/`)
    assert.equal(got.get(`${host}/`), '', host)
    await page.evaluate(`fetch('https://api.example.org/x', { mode: 'no-cors', credentials: 'include' })`)
    assert.equal(got.get('api.example.org/x'), '', host)
  }
})
