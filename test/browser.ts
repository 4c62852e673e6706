import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const findOnPath = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap(folder => names.map(name => join(folder, name)))
    .find(isProgram)

const isRoot = process.getuid?.() === 0
/** Debian and what comes from it, but Ubuntu: its package only fetches a snap. */
const hasPackage = (): boolean =>
  existsSync('/etc/debian_version') && !/^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))

const run = promisify(execFile)

/** Two test files may ask at once: the second waits for the lock of the first. */
const install = async (): Promise<void> => {
  const apt = (...args: readonly string[]) =>
    run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args])
  console.log('# no Chromium here: apt-get install chromium')
  await apt('update')
  await apt('install', '--no-install-recommends', 'chromium')
}

/**
 * The path of a Chromium. Where root runs the tests on Debian, a missing one is installed; everywhere else
 * the result is undefined, and `missingChromium` says how to get one.
 */
export const findChromium = async (): Promise<string | undefined> => {
  const found = findOnPath()
  if (found !== undefined || !isRoot || !hasPackage()) return found
  await install().catch(error => console.log(`# it could not be installed: ${error.message}`))
  return findOnPath()
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

/** A Chromium without a window. As root it has no sandbox, because Chromium refuses to start with one. */
export const launchBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: isRoot ? ['--no-sandbox'] : [] })
