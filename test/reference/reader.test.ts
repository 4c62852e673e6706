import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { findChromium, launchBrowser, missingChromium, type Watched, watchPage } from '../browser.ts'
import { newFolder, password, type Server, signUp, startServer } from '../process/spawned-server.ts'
import { until, untilEqual } from '../process/until.ts'

const chromium = await findChromium()

/** The block of an operation, opened. */
const openOperation = async (page: Page, operationId: string) => {
  const block = page.locator(`[id$="-${operationId}"]`)
  await block.locator('.opblock-summary-control').click()
  return block
}

/** Tries an operation with the example that stands there, until the page shows this status. */
const tryOut = async (page: Page, operationId: string, status: string): Promise<void> => {
  const block = await openOperation(page, operationId)
  await block.getByRole('button', { name: 'Try it out' }).click()
  await block.getByRole('button', { name: 'Execute' }).click()
  const shown = block.locator('.live-responses-table tr.response td.response-col_status')
  await untilEqual(() => shown.innerText(), status)
}

const authorize = async (page: Page, token: string): Promise<void> => {
  await page.getByRole('button', { name: 'Authorize' }).click()
  const dialog = page.locator('.modal-ux')
  await dialog.locator('input').first().fill(token)
  await dialog.getByRole('button', { name: 'Apply credentials' }).first().click()
  await dialog.getByRole('button', { name: 'Close' }).first().click()
}

describe('the reference in a browser', { skip: chromium === undefined && missingChromium }, () => {
  let browser: Browser
  let server: Server
  const folder = newFolder({ after })
  before(async () => {
    server = await startServer(folder)
    browser = await launchBrowser(chromium ?? '')
  })
  after(() => browser.close())

  const open = async (path: string, options: BrowserContextOptions = {}): Promise<Watched> => {
    const watched = watchPage(await browser.newPage(options), server.url)
    await watched.page.goto(server.url + path)
    return watched
  }

  const assertQuiet = ({ complaints, failed, foreignHosts }: Watched): void => {
    assert.deepEqual(complaints, [])
    assert.deepEqual(failed, [])
    assert.deepEqual([...foreignHosts], [])
  }

  for (const colorScheme of ['light', 'dark'] as const)
    test(`opens in ${colorScheme} without a message of its policy, and asks no other host`, async () => {
      const watched = await open('/docs', { colorScheme })
      const { page } = watched
      await page.locator('.opblock').first().waitFor()
      await openOperation(page, 'postApiV1Todos')
      await page
        .getByText(
          "Who: by users, API keys and OAuth clients: a user's own session or permission todos:write.",
        )
        .waitFor()
      const isDark = () => page.evaluate("document.documentElement.classList.contains('dark-mode')")
      await untilEqual(isDark, colorScheme === 'dark')
      assertQuiet(watched)
      await page.close()
    })

  test('an access token is pasted, and then a GET and a POST can be tried', async () => {
    const watched = await open('/docs')
    const { page } = watched
    const { access } = await signUp(server, 'reader')
    await page.locator('.opblock').first().waitFor()
    await authorize(page, access)
    await tryOut(page, 'getApiV1Protected', '200')
    await tryOut(page, 'postApiV1Todos', '201')
    assertQuiet(watched)
    const { todos } = JSON.parse(
      (await server.call('GET', 'todos', { headers: { authorization: `Bearer ${access}` } })).text,
    )
    assert.deepEqual(
      todos.map(({ title }: { title: string }) => title),
      ['Milk'],
    )
    await page.close()
  })

  test('with a session cookie, what changes something can be tried once its CSRF token was read', async () => {
    const watched = await open('/docs')
    const { page } = watched
    await signUp(server, 'browser-user')
    await page.locator('.opblock').first().waitFor()
    const body = JSON.stringify({ username: 'browser-user', password })
    // The sign-in is that of another page of this browser: this one has not seen its answer.
    const signIn = `fetch('/api/v1/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)} }).then(answer => answer.status)`
    assert.equal(await page.evaluate(signIn), 201)
    await tryOut(page, 'postApiV1Todos', '403')
    await tryOut(page, 'getApiV1SessionsCurrent', '200')
    await tryOut(page, 'postApiV2Todos', '201')
    assert.deepEqual([...watched.foreignHosts], [])
    await page.close()
  })

  test('without a token the same GET is refused, and the page shows it', async () => {
    const { page } = await open('/docs')
    await tryOut(page, 'getApiV1Protected', '401')
    await page.close()
  })

  test('the list of errors is one link away, and leads back', async () => {
    const watched = await open('/docs')
    const { page } = watched
    await page.getByRole('navigation').getByRole('link', { name: 'Errors' }).click()
    await page.getByRole('heading', { name: 'Errors' }).waitFor()
    await page.getByRole('link', { name: 'API reference' }).click()
    await page.locator('.opblock').first().waitFor()
    assertQuiet(watched)
    await page.close()
  })

  test('inline code, which an attacker might get into the page, does not run and is told of', async () => {
    const { page, complaints } = await open('/docs')
    await page.locator('.opblock').first().waitFor()
    await page.evaluate(
      "const element = document.createElement('script'); element.textContent = 'window.ran = true'; document.body.append(element)",
    )
    assert.equal(await page.evaluate('window.ran'), undefined)
    await until('it is told of', () => complaints.some(text => text.includes('Content Security Policy')))
    await page.close()
  })
})
