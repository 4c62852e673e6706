import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { findChromium, missingChromium } from '../test/browser.ts'

/*
 * For `npm test`: where root runs it on Debian, a missing Chromium is installed. Everywhere else, and
 * where that fails, one line says what is missing, and the tests that need it are skipped with the same line.
 */

const run = promisify(execFile)

/** Debian and what comes from it, but Ubuntu: its package only fetches a snap. */
const hasPackage = (): boolean =>
  existsSync('/etc/debian_version') && !/^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))

const install = async (): Promise<void> => {
  console.log('There is no Chromium: apt-get install chromium …')
  await run('apt-get', ['-q', 'update'])
  await run('apt-get', ['-q', '-y', 'install', '--no-install-recommends', 'chromium'])
}

if (findChromium() === undefined && process.getuid?.() === 0 && hasPackage())
  await install().catch(error => console.log(`It could not be installed: ${error.message.trim()}`))
if (findChromium() === undefined) console.log(`Tests in a browser are skipped: ${missingChromium}`)
