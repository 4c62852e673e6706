import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { toMissing } from './servers/missing.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The path of a Chromium; undefined where there is none, and `missingChromium` says how to get one. */
export const findChromium = (): string | undefined => {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap(folder => names.map(name => join(folder, name)))
    .find(isProgram)
  if (found === undefined) toMissing(missingChromium)
  return found
}

export const missingChromium =
  'there is no Chromium on PATH. Debian: apt-get install chromium. Elsewhere: install Chromium or Google Chrome'

/** What went wrong on a page, as it happened. */
export type Watched = {
  readonly page: Page
  /** Messages of the console that are errors or warnings, and errors of scripts. */
  readonly complaints: readonly string[]
  /** Requests that got no answer. */
  readonly failed: readonly string[]
  /** Hosts other than the page's own that were asked for anything. */
  readonly foreignHosts: ReadonlySet<string>
}

/** A page that may speak to one origin; what it says and asks is kept. */
export const watchPage = (page: Page, origin: string): Watched => {
  const complaints: string[] = []
  const failed: string[] = []
  const foreignHosts = new Set<string>()
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  page.on('requestfailed', request => failed.push(`${request.url()} ${request.failure()?.errorText}`))
  page.on('request', request => {
    const url = new URL(request.url())
    if (/^(http|ws)/.test(url.protocol) && url.origin !== origin) foreignHosts.add(url.host)
  })
  return { page, complaints, failed, foreignHosts }
}

/** Pages of one origin share a process, so that scripts are compiled once. As root Chromium has no sandbox, because it refuses to start with one. */
const toArguments = (isRoot: boolean): string[] => ['--process-per-site', ...(isRoot ? ['--no-sandbox'] : [])]

/** A Chromium without a window. */
export const launchBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: toArguments(process.getuid?.() === 0) })
