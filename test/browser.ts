import { accessSync, constants } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where the browser of the tests is; undefined where there is none. */
export const findChromium = (): string | undefined =>
  paths.find(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** What to say of a test that needs a browser, where there is none; false where there is one. */
export const browserMissing: string | false =
  findChromium() === undefined && 'there is no Chromium here. On Debian and Ubuntu: apt-get install chromium'

/** Chromium without a window. In a container it is root, whom its sandbox does not take. */
export const launchBrowser = (): Promise<Browser> => {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new TypeError('look for findChromium() first')
  const isRoot = process.getuid?.() === 0
  return chromium.launch({ executablePath, chromiumSandbox: !isRoot })
}
