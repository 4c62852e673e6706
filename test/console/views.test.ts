import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { type Language, languages } from '../../apps/console/src/texts/languages.ts'
import { untilEqual } from '../process/until.ts'
import { browserMissing, type Console, readColours, startConsole } from './start-console.ts'
import { withIssuer } from './walks/issuer.ts'
import { walks } from './walks/walks.ts'

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
  if (language !== 'en') assert.match(text, /\p{Script=Han}/u)
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

describe('every view', { skip: browserMissing, concurrency: 4 }, () => {
  let c: Console
  before(async () => {
    c = await startConsole(withIssuer)
  })
  after(() => c.close())

  for (const [name, walk] of Object.entries(walks))
    test(`${name}: accessible in light and dark, in three languages, on a narrow screen, under the policy`, async t => {
      const context = await c.newContext()
      for await (const [stop, page] of walk(c, context))
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
