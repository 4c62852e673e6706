import { administrator } from '../../../tools/demo/people.ts'
import { planDay } from '../../../tools/demo/plan.ts'
import { playDay } from '../../../tools/demo/play.ts'
import { password } from '../../harness.ts'
import { type Console, openAs } from '../start-console.ts'
import { follow, press } from './somebody.ts'
import type { Walk } from './walk.ts'

/** As many as it takes for every act to have somebody. */
export const fewPeople = 10
export const manyPeople = 36

/** Plays the day of `npm run demo` on this server, whose clock stands at its end then. */
export const playDemoDay = async ({ t }: Console, people: number): Promise<void> => {
  await playDay(t, planDay({ seed: 7, people, start: t.clock.now() }), { password })
}

/** What an administrator looks at when a day has gone. */
export const demoDayWalk: Walk = async function* (console, context) {
  const page = await openAs(console, administrator, '/admin', context)
  const main = page.getByRole('main')
  await main.getByText('Counted').waitFor()
  await main.getByText('Sealed to entry').waitFor()
  await main.getByRole('img', { name: /^Sign-ins: \d/ }).waitFor()
  yield ['dashboard', page]
  await press(page, '7 days')
  await main.locator('[aria-pressed=true]', { hasText: '7 days' }).waitFor()
  await main.getByText('All numbers as a table').click()
  await main.getByRole('table').waitFor()
  yield ['dashboard-week', page]
  await main.getByText('All numbers as a table').click()
  await press(page, '90 days')
  await page.waitForLoadState('networkidle')
  yield ['dashboard-quarter', page]
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
