import { administrator } from '../../../tools/demo/people.ts'
import { planDay } from '../../../tools/demo/plan.ts'
import { playDay } from '../../../tools/demo/play.ts'
import { password } from '../../harness.ts'
import { hashCheaply, keepHashesCheap } from '../../models/cheap-passwords.ts'
import { untilEqual } from '../../process/until.ts'
import { type Console, openAs } from '../start-console.ts'
import { follow, press } from './somebody.ts'
import type { Walk } from './walk.ts'

/** As many as it takes for every act to have somebody. */
export const fewPeople = 10
export const manyPeople = 36

/** Plays the day of `npm run demo` on this server, whose clock stands at its end then. */
export const playDemoDay = async ({ t }: Console, people: number): Promise<void> => {
  // Dozens of passwords: it is not the hashes that are looked at.
  keepHashesCheap(t.engine.hasher)
  Object.assign(t.engine.hasher, { hash: async (typed: string) => hashCheaply(typed.normalize('NFC')) })
  await playDay(t, planDay({ seed: 7, people, start: t.clock.now() }), { password })
  // A day has gone since this server looked at what ended: it does so by the clock of the machine.
  await untilEqual(async () => (await t.call('GET', '/readyz')).status, 200)
}

/** What an administrator looks at when a day has gone. */
export const demoDayWalk: Walk = async function* (console, context) {
  const page = await openAs(console, administrator, '/admin', context)
  const main = page.getByRole('main')
  await main.getByText('Counted').waitFor()
  await main.getByText('Sealed to entry').waitFor()
  await main.getByRole('img', { name: /^Sign-ins: \d/ }).waitFor()
  yield ['dashboard', page]
  await main.getByText('All numbers as a table').click()
  await main.getByRole('table').waitFor()
  yield ['dashboard-table', page]
  await main.getByText('All numbers as a table').click()
  for (const [range, name] of [
    ['7 days', 'dashboard-week'],
    ['90 days', 'dashboard-quarter'],
  ] as const) {
    await press(page, range)
    await page.waitForLoadState('networkidle')
    yield [name, page]
  }
  await follow(page, 'Audit log', 'Newest checkpoint')
  await main.locator('time').first().waitFor()
  yield ['audit', page]
  await page.getByLabel('Event', { exact: true }).selectOption('session.started')
  await page.getByLabel('User', { exact: true }).fill(administrator)
  await press(page, 'Search')
  await main.getByText('Details').first().click()
  await main.getByText('Place in the chain').first().waitFor()
  yield ['audit-event', page]
  await press(page, 'All of this session')
  await main.getByText('Only of the session').waitFor()
  yield ['audit-session', page]
}
