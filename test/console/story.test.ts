import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { ensureConsole } from '../../tools/build-console.ts'
import { findChromium, launchBrowser, type Watched, watchPage } from '../browser.ts'
import { newFolder, startServer } from '../process/spawned-server.ts'
import { browserMissing } from './start-console.ts'
import { outboxOf, person, tellStory } from './story.ts'
import { mailTexts } from './teller.ts'

const { letters, factors } = mailTexts.en

const subject = (name: keyof typeof letters, factor = ''): string =>
  letters[name].subject.replace('{factor}', factor)

/** What the owner hears of all of it. */
const told = [
  subject('verify-email'),
  subject('factor-added', factors.passkey),
  subject('factor-added', factors.totp),
  subject('recovery-code-used'),
  subject('new-device'),
  subject('factor-removed', factors.passkey),
  subject('factor-removed', factors.totp),
  subject('reset-password'),
  subject('password-reset'),
  subject('new-device'),
]

describe('a story, in a browser, from an empty database', { skip: browserMissing }, () => {
  let browser: Browser
  before(async () => {
    await ensureConsole()
    browser = await launchBrowser(findChromium() ?? '')
  })
  after(() => browser.close())

  test('somebody registers, adds a passkey and an app, loses both and then the password, comes back, and hears of each by mail', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder)
    const watched: Watched[] = []
    const newContext = async (options: BrowserContextOptions = {}) => {
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
      context.setDefaultTimeout(20_000)
      context.on('page', page => watched.push(watchPage(page, server.url)))
      return context
    }
    const mails = await tellStory({ url: server.url, outbox: outboxOf(folder.path), newContext }, 'en')
    assert.deepEqual(mails.map(mail => mail.subject).sort(), told.toSorted())
    assert.deepEqual([...new Set(mails.map(({ to }) => to))], [person.email])
    const said = watched.flatMap(({ complaints, foreignHosts }) => [...complaints, ...foreignHosts])
    assert.deepEqual(
      said.filter(text => !/status of 40\d/.test(text)),
      [],
    )
  })
})
