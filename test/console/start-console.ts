import assert from 'node:assert/strict'
import { createUser } from 'gatewright/administration'
import type { Settings } from 'gatewright/settings'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { holdFreePort } from '../../packages/gatewright/src/http/listen.ts'
import { ensureConsole } from '../../tools/build-console.ts'
import { findChromium, launchBrowser, missingChromium, type Watched, watchPage } from '../browser.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'

export type Console = {
  readonly t: TestApp
  readonly url: string
  readonly browser: Browser
  /** A browser of its own: its cookies and its memory are nobody else's, until it is given back. */
  readonly newContext: (options?: BrowserContextOptions) => Promise<BrowserContext>
  /** Closes every page of a browser and forgets what it knew: the next test is given it as a new one. */
  readonly giveBack: (context: BrowserContext) => Promise<void>
  /** Gives back all that were given since, after each test: a new one costs more than most tests. */
  readonly rest: () => Promise<void>
  /** What no page may do: say something on the console, break the policy, ask another host. */
  readonly faults: () => readonly string[]
  readonly close: () => Promise<void>
}

const chromium = findChromium()

/** Why a test of the pages is skipped; false where it is not. */
export const browserMissing = chromium === undefined && missingChromium

/** Chromium itself says so of every answer from 400; refusals are a part of what is tested. */
const isRefusalOnly = (text: string): boolean => /^Failed to load resource: .* status of \d/.test(text)

const toFaults = ({ page, complaints, foreignHosts }: Watched): readonly string[] =>
  [...complaints.filter(text => !isRefusalOnly(text)), ...foreignHosts].map(text => `${page.url()}: ${text}`)

/** What a browser keeps for the console is cookies and the store of its pages, which one of them can empty. */
const forgetAll = async (context: BrowserContext): Promise<void> => {
  const [kept, ...pages] = context.pages()
  await Promise.all(pages.map(page => page.close()))
  await kept?.evaluate('localStorage.clear()')
  await Promise.all([context.unrouteAll(), context.clearCookies(), context.clearPermissions()])
}

/** Users of tests have one password, which is hashed once; any other costs what it costs. */
const hashOnce = ({ engine: { hasher } }: TestApp): void => {
  const { hash } = hasher
  Object.assign(hasher, {
    hash: async (...[typed, ...rest]: Parameters<typeof hash>) =>
      typed.normalize('NFC') === password ? hashCheaply(password) : hash(typed, ...rest),
  })
}

/** The blog with its console on a real port, a clock of the test's, and a browser. */
export const startConsole = async (overrides: Partial<Settings> = {}): Promise<Console> => {
  if (chromium === undefined) throw new TypeError(missingChromium)
  await ensureConsole()
  const { port, release } = await holdFreePort('localhost')
  const [t, browser] = await Promise.all([startTestApp({ port, ...overrides }), launchBrowser(chromium)])
  await release()
  await t.app.listen({ host: '127.0.0.1', port })
  hashOnce(t)
  const url = `http://localhost:${port}`
  const watched: Watched[] = []
  const given = new Set<BrowserContext>()
  const free: BrowserContext[] = []
  const make = async (options: BrowserContextOptions): Promise<BrowserContext> => {
    const context = await browser.newContext({
      baseURL: url,
      locale: 'en-GB',
      reducedMotion: 'reduce',
      ...options,
    })
    context.setDefaultTimeout(15_000)
    // Stays open: with it the process lives on that the pages to come share, and what was compiled there.
    await (await context.newPage()).goto(`${url}/healthz`)
    context.on('page', page => watched.push(watchPage(page, url)))
    return context
  }
  const giveBack = async (context: BrowserContext): Promise<void> => {
    given.delete(context)
    await forgetAll(context)
    free.push(context)
  }
  return {
    t,
    url,
    browser,
    faults: () => watched.flatMap(toFaults),
    newContext: async options => {
      if (options !== undefined) return make(options)
      const context = free.pop() ?? (await make({}))
      given.add(context)
      return context
    },
    giveBack,
    rest: async () => {
      await Promise.all([...given].map(giveBack))
    },
    close: async () => {
      await browser.close()
      await t.close()
    },
  }
}

/** Pages of this browser are as a server would write them of which these settings are so. */
export const withSettings = (
  context: BrowserContext,
  settings: Readonly<Record<string, boolean>>,
): Promise<unknown> =>
  context.route(/\/console(?!\/assets)/, async route => {
    const response = await route.fetch()
    let body = await response.text()
    for (const [name, value] of Object.entries(settings)) {
      const written = new RegExp(`(&quot;${name}&quot;:)(true|false)`)
      assert.match(body, written)
      body = body.replace(written, `$1${value}`)
    }
    await route.fulfill({ response, body })
  })

/** A page at an address of the console, in a context of its own unless one is given. */
export const open = async (
  { newContext }: Pick<Console, 'newContext'>,
  path: string,
  context?: BrowserContext,
): Promise<Page> => {
  const page = await (context ?? (await newContext())).newPage()
  await page.goto(`/console${path}`)
  return page
}

/** The colours that the page shows, which follow the device's a moment later. */
export const readColours = (page: Page): Promise<unknown> =>
  page.evaluate('document.documentElement.dataset.mantineColorScheme')

export const makeUser = async ({ t }: Console, username: string, roles = ['user']): Promise<void> => {
  const origin = { actor: 'system', address: null, requestId: null }
  await createUser(t.engine, { username, password, roles, email: `${username}@example.org` }, origin)
}

/** Fills in the sign-in that the page shows, and sends it. */
export const fillSignIn = async (page: Page, username: string, secret = password): Promise<void> => {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** A page of somebody who has signed in, in a browser of its own unless one is given. */
export const openAs = async (
  console: Console,
  username: string,
  path: string,
  context?: BrowserContext,
): Promise<Page> => {
  const browser = context ?? (await console.newContext())
  const data = { username, password }
  const answer = await browser.request.post('/api/v1/sessions', { data, headers: { origin: console.url } })
  assert.equal(answer.status(), 201, await answer.text())
  const page = await open(console, path, browser)
  await page.getByRole('navigation').waitFor()
  return page
}
