import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecret, systemRandom } from 'gatewright/random'
import { startServer } from 'gatewright/server'
import { defaultSettings, settingRows } from 'gatewright/settings'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import { createFakeClock } from '../../packages/gatewright/src/testing/fake-clock.ts'
import { openTestApp } from '../../packages/gatewright/src/testing/open-test-app.ts'
import { administrator } from './people.ts'
import { planDay } from './plan.ts'
import { playDay } from './play.ts'

/*
 * `npm run demo`: plays a small day of the reference API on a database of its own in a temporary folder, and serves
 * that on this machine until Ctrl+C, which removes it. `npm run demo -- 8` plays another day, `npm run demo -- 8 12` one of 12 people, and `PORT` serves it there.
 */

const day = 24 * 60 * 60 * 1_000
const usualSeed = 7
const usualPeople = 36

/** One line that counts up on a terminal; elsewhere a line at the beginning alone. */
const createProgress = (people: number) => {
  let shown = -1
  process.stdout.write(`Playing a day of ${people} people …`)
  return (share: number): void => {
    const percent = Math.floor(share * 100)
    if (!process.stdout.isTTY || percent === shown) return
    shown = percent
    process.stdout.write(`\rPlaying a day of ${people} people … ${percent} %`)
  }
}

const play = async (databaseUrl: string, password: string): Promise<void> => {
  const start = Date.now() - day
  const clock = createFakeClock({ start })
  const settings = defaultSettings({ nodeEnv: 'test', databaseUrl })
  const theatre = await openTestApp({ settings, clock, subject: { application: blog, mount } })
  try {
    await theatre.engine.housekeeping.stop()
    const [, , seed = usualSeed, people = usualPeople] = process.argv.map(Number)
    const planned = planDay({ seed, people, start })
    await playDay({ ...theatre, clock }, planned, { password, onProgress: createProgress(people) })
  } finally {
    await theatre.close()
  }
  process.stdout.write('\n')
}

/** What the environment and `.env` files say is meant for an installation, and none of it for this. */
const leaveInstallation = (folder: string): void => {
  for (const { name } of settingRows.filter(row => row.name !== 'PORT')) {
    delete process.env[name]
    delete process.env[`${name}_FILE`]
  }
  process.chdir(folder)
}

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-demo-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  leaveInstallation(folder)
  const databaseUrl = `sqlite:${join(folder, 'demo.db')}`
  const password = newSecret(systemRandom).slice(0, 20)
  await play(databaseUrl, password)
  Object.assign(process.env, { DATABASE_URL: databaseUrl, HOST: 'localhost', ACCESS_LOG: 'notable' })
  process.env.PORT ??= '0'
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(signal)
  await startServer({ mount, application: blog, command: 'npm run gatewright --' })
  console.log(`\nSign in to the console as ${administrator} with the password ${password}`)
  console.log('Both are for this demo alone. Ctrl+C ends it and removes everything.')
}

await main()
