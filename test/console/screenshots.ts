import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import type { Language } from '../../apps/console/src/texts/languages.ts'
import { browserMissing, type Console, startConsole } from './start-console.ts'
import { storyLanguages, takeStories } from './story-pictures.ts'
import { demoDayWalk, manyPeople, playDemoDay } from './walks/demo-day.ts'
import { withIssuer } from './walks/issuer.ts'
import type { Walk } from './walks/walk.ts'
import { walks } from './walks/walks.ts'

/*
 * `npm run screenshots [folder]`: every page in light, dark and the width of a phone, as PNG files with a
 * page that shows them all. Without a folder: docs/screenshots, which git does not keep.
 */

type Look = { readonly language: Language; readonly options: BrowserContextOptions }

const wide = { width: 1200, height: 760 }

/** How each page is looked at; between them they have every language. */
const looks = {
  light: { language: 'en', options: { colorScheme: 'light', viewport: wide } },
  dark: { language: 'zh-Hans', options: { colorScheme: 'dark', viewport: wide } },
  phone: { language: 'zh-Hant', options: { colorScheme: 'light', viewport: { width: 360, height: 740 } } },
} as const satisfies Readonly<Record<string, Look>>

const lookNames = Object.keys(looks) as (keyof typeof looks)[]

/** Pages outside the console, those that there are. */
const outsideWalk: Walk = async function* ({ t }, context) {
  const page = await context.newPage()
  for (const path of ['/docs', '/docs/errors'])
    if ((await t.call('GET', path, { headers: { accept: 'text/html' } })).status === 200) {
      await page.goto(path, { waitUntil: 'networkidle' })
      yield [path.slice(1).replaceAll('/', '-'), page]
    }
}

/** Walks find what they press by its English name: another language is chosen for the picture only. */
const chooseLanguage = async (page: Page, language: Language): Promise<void> => {
  const choice = page.getByRole('banner').locator('select')
  if ((await choice.count()) > 0) await choice.selectOption(language, { force: true })
}

/** What covers the page, or has no end, is shown as the window shows it. */
const isWhole = (name: string): boolean =>
  !/^(docs|confirmation|security-remove|user-disable$|signing-key-revoke)/.test(name)

/** A row of pictures of one thing: in each look, or in each language. */
const toRow = (name: string, kinds: readonly string[]): string =>
  `<h2>${name}</h2><section>${kinds.map(kind => `<img alt="${name}, ${kind}" src="${name}-${kind}.png">`).join('')}</section>`

const toContactSheet = (names: readonly string[], stations: readonly string[]): string =>
  `<!doctype html>
<meta charset="utf-8">
<title>Every page</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: #eee; color: #111 }
  section { display: grid; grid-template-columns: 5fr 5fr 2fr; gap: 1rem; align-items: start }
  img { width: 100%; border: 1px solid #bbb; border-radius: 6px }
</style>
${names.map(name => toRow(name, lookNames)).join('\n')}
<h1>A story, in three languages</h1>
${stations.map(name => toRow(name, storyLanguages)).join('\n')}
`

const takeWalk = async (console: Console, folder: string, walk: Walk, look: keyof typeof looks) => {
  const { language, options } = looks[look]
  const context = await console.newContext(options)
  const names: string[] = []
  for await (const [name, page] of walk(console, context)) {
    await chooseLanguage(page, language)
    await page.waitForLoadState('networkidle')
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: isWhole(name) })
    await chooseLanguage(page, 'en')
    names.push(name)
  }
  await context.close()
  return names
}

/** @returns the names of all stops */
const takeAll = async (
  console: Console,
  folder: string,
  all: readonly Walk[],
): Promise<readonly string[]> => {
  const taken: (readonly string[])[] = []
  for (const look of lookNames)
    for (const walk of all) taken.push(await takeWalk(console, folder, walk, look))
  return [...new Set(taken.flat())]
}

/** As `npm run demo` serves it. @returns the names of all stops */
const takeDemoDay = async (folder: string): Promise<readonly string[]> => {
  const running = await startConsole({ ...withIssuer, limitsScale: 1 })
  try {
    await playDemoDay(running, manyPeople)
    return await takeAll(running, folder, [demoDayWalk])
  } finally {
    await running.close()
  }
}

const main = async (): Promise<void> => {
  if (browserMissing !== false) throw new Error(browserMissing)
  const folder = process.argv[2] ?? join(import.meta.dirname, '../../docs/screenshots')
  mkdirSync(folder, { recursive: true })
  const running = await startConsole(withIssuer)
  try {
    const walked = await takeAll(running, folder, [...Object.values(walks), outsideWalk])
    const names = [...walked, ...(await takeDemoDay(folder))]
    const stations = await takeStories(folder)
    writeFileSync(join(folder, 'index.html'), toContactSheet(names, stations))
    const count = names.length * lookNames.length + stations.length * storyLanguages.length
    console.log(`${count} screenshots: ${join(folder, 'index.html')}`)
  } finally {
    await running.close()
  }
}

await main()
