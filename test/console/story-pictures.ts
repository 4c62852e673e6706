import { join } from 'node:path'
import type { BrowserContextOptions } from 'playwright-core'
import { type Language, languages } from '../../apps/console/src/texts/languages.ts'
import { findChromium, launchBrowser } from '../browser.ts'
import { newFolder, startServer } from '../process/spawned-server.ts'
import { outboxOf, tellStory } from './story.ts'

const size = { width: 1000, height: 720 }

/** Every station of the story and every mail in one language. @returns their names, in their order */
const takeStory = async (folder: string, language: Language): Promise<readonly string[]> => {
  const ends: (() => Promise<void>)[] = []
  const place = newFolder({ after: end => ends.push(end) })
  const browser = await launchBrowser(findChromium() ?? '')
  ends.push(() => browser.close())
  const names: string[] = []
  const nameNext = (name: string): string => {
    const full = `story-${String(names.length + 1).padStart(2, '0')}-${name}`
    names.push(full)
    return join(folder, `${full}-${language}.png`)
  }
  const newContext = (options: BrowserContextOptions = {}) =>
    browser.newContext({ reducedMotion: 'reduce', viewport: size, ...options })
  try {
    const { url } = await startServer(place)
    await tellStory(
      {
        url,
        outbox: outboxOf(place.path),
        newContext,
        onStation: async (name, page) => {
          await page.screenshot({ path: nameNext(name), fullPage: true })
        },
        onMail: async (name, { html }) => {
          const page = await (await newContext()).newPage()
          await page.setContent(html)
          await page.screenshot({ path: nameNext(`mail-${name}`), fullPage: true })
          await page.context().close()
        },
      },
      language,
    )
  } finally {
    for (const end of ends.reverse()) await end()
  }
  return names
}

export const storyLanguages = Object.keys(languages) as readonly Language[]

/** The story in three languages, from an empty database each. */
export const takeStories = async (folder: string): Promise<readonly string[]> => {
  let names: readonly string[] = []
  for (const language of storyLanguages) names = await takeStory(folder, language)
  return names
}
