import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { type Language, languages } from '../../apps/console/src/texts/languages.ts'
import { untilEqual } from '../process/until.ts'
import { sceneNames, scenes } from './scenes.ts'
import { browserMissing, type Console, readColours, startConsole } from './start-console.ts'

const tags = Object.keys(languages) as Language[]

const assertAccessible = async (page: Page, colours: 'light' | 'dark'): Promise<void> => {
  await page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' })
  await untilEqual(() => readColours(page), colours)
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(node => `${id}: ${node.html}: ${node.failureSummary}`),
  )
  assert.deepEqual(found, [], colours)
}

/** The narrowest width at which nothing may need a second direction of scrolling (WCAG 2.2, 1.4.10). */
const narrowest = 320

const assertFits = async (page: Page, language: Language): Promise<void> => {
  await page.getByRole('banner').locator('select').selectOption(language, { force: true })
  await untilEqual(() => page.evaluate('document.documentElement.lang'), language)
  await untilEqual(() => page.evaluate('document.documentElement.scrollWidth'), narrowest)
  const text = await page.locator('body').innerText()
  assert.doesNotMatch(text, /[{}]|undefined|\bNaN\b|Invalid Date/, language)
  if (language !== 'en') assert.match(text, /\p{Script=Han}/u)
}

describe('every view', { skip: browserMissing, concurrency: 4 }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())

  for (const name of sceneNames)
    test(`${name}: accessible in light and dark, in three languages, on a narrow screen, under the policy`, async () => {
      const context = await c.newContext()
      const page = await scenes[name].show(c, context)
      for (const colours of ['light', 'dark'] as const) await assertAccessible(page, colours)
      await page.setViewportSize({ width: narrowest, height: 640 })
      for (const language of tags) await assertFits(page, language)
      assert.deepEqual(
        c.faults().filter(fault => fault.startsWith(page.url())),
        [],
      )
      await context.close()
    })
})
