import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContext, Page } from 'playwright-core'
import { en } from '../../apps/console/src/texts/en.ts'
import { type Language, languages } from '../../apps/console/src/texts/languages.ts'
import { administrator } from '../../tools/demo/people.ts'
import { untilEqual } from '../process/until.ts'
import { browserMissing, type Console, openAs, readColours, startConsole } from './start-console.ts'
import { demoDayWalk, fewPeople, playDemoDay } from './walks/demo-day.ts'
import { withIssuer } from './walks/issuer.ts'
import type { Walk } from './walks/walk.ts'
import { walks } from './walks/walks.ts'

/** Housekeeping stands still in tests. */
const expectedEmpty: readonly string[] = ['noneOfThem']

/** How pages say that there is nothing. */
const emptiness = new RegExp(
  Object.entries(en)
    .filter(([name]) => /None$|^noneOfThem$/.test(name) && !expectedEmpty.includes(name))
    .map(([, text]) => RegExp.escape(text))
    .join('|'),
)

/** Of the stops of the day: between them they have all that the others have. */
const lookedAt = new Set(['dashboard-table', 'dashboard-quarter', 'audit-event', 'audit-session'])

type AxeResults = Awaited<ReturnType<AxeBuilder['analyze']>>

/** Rules of axe that look at colours; for the others light and dark are one page. */
const rulesOfColours = ['color-contrast', 'link-in-text-block']

const choose = async (page: Page, colours: 'light' | 'dark'): Promise<void> => {
  await page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' })
  await untilEqual(() => readColours(page), colours)
}

const assertNone = ({ violations }: Pick<AxeResults, 'violations'>, colours: string): void => {
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(node => `${id}: ${node.html}: ${node.failureSummary}`),
  )
  assert.deepEqual(found, [], colours)
}

/** Every rule in light; the second time the page has axe already, and is asked what may have changed. */
const assertAccessible = async (page: Page): Promise<void> => {
  await choose(page, 'light')
  assertNone(await new AxeBuilder({ page }).setLegacyMode(true).analyze(), 'light')
  await choose(page, 'dark')
  const again = `axe.run(document, ${JSON.stringify({ runOnly: rulesOfColours })})`
  assertNone(await page.evaluate<AxeResults>(again), 'dark')
}

/** The narrowest width at which nothing may need a second direction of scrolling (WCAG 2.2, 1.4.10). */
const narrow = { width: 320, height: 640 }
const wide = { width: 1280, height: 720 }

const assertFits = async (page: Page, language: Language): Promise<void> => {
  await page.getByRole('banner').locator('select').selectOption(language, { force: true })
  await untilEqual(() => page.evaluate('document.documentElement.lang'), language)
  await untilEqual(() => page.evaluate('document.documentElement.scrollWidth'), narrow.width)
  const text = await page.locator('body').innerText()
  assert.doesNotMatch(text, /[{}]|undefined|\bNaN\b|Invalid Date/, language)
  if (language === 'en') return
  assert.match(text, /\p{Script=Han}/u)
  const english = page.locator('li:has(time) span[lang=en]:not(details *)')
  assert.deepEqual(await english.allInnerTexts(), [], 'what happened is told in the language of the page')
}

/** English is the last: the walk goes on in it. */
const tags = (Object.keys(languages) as Language[]).toReversed()

const look = async (page: Page): Promise<void> => {
  try {
    await assertAccessible(page)
    await page.setViewportSize(narrow)
    for (const language of tags) await assertFits(page, language)
  } finally {
    await page.setViewportSize(wide)
  }
}

/** A walk, which says what the page showed where it did not come further. */
async function* follow(walk: Walk, c: Console, context: BrowserContext): ReturnType<Walk> {
  try {
    yield* walk(c, context)
  } catch (error) {
    const shown = await Promise.all(context.pages().map(page => page.getByRole('main').innerText()))
    throw new Error(`the page shows: ${shown.join(' | ')}`, { cause: error })
  }
}

describe('every view', { skip: browserMissing, concurrency: 4 }, () => {
  let c: Console
  before(async () => {
    c = await startConsole(withIssuer)
  })
  after(() => c.close())

  for (const [name, walk] of Object.entries(walks))
    test(`${name}: accessible in light and dark, in three languages, on a narrow screen, under the policy`, async t => {
      const context = await c.newContext()
      for await (const [stop, page] of follow(walk, c, context))
        await t.test(stop, async () => {
          await look(page)
          assert.deepEqual(
            c.faults().filter(fault => fault.startsWith(page.url())),
            [],
          )
        })
      await context.close()
    })
})

describe('after a day', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ ...withIssuer, limitsScale: 1 })
    await playDemoDay(c, fewPeople)
  })
  after(() => c.close())

  test('what an administrator looks at: accessible in light and dark, in three languages, on a narrow screen', async t => {
    for await (const [stop, page] of demoDayWalk(c, await c.newContext()))
      if (lookedAt.has(stop)) await t.test(stop, () => look(page))
  })

  test('every page that the navigation lists has something in it', async () => {
    const page = await openAs(c, administrator, '/me')
    const titles = await page.getByRole('navigation').getByRole('link').allInnerTexts()
    assert.ok(titles.length > 15, titles.join(', '))
    for (const name of titles) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { level: 1 }).waitFor()
      await untilEqual(() => page.getByLabel('Loading').count(), 0)
      const shown = await page.getByRole('main').innerText()
      assert.doesNotMatch(shown, emptiness, `${name}: ${shown}`)
    }
    assert.deepEqual(c.faults(), [])
  })
})
