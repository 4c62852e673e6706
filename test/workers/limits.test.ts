import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { newFolder, signUp } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { type Door, startWorkers, type Workers } from './start-workers.ts'

describe('of three workers on SQLite', () => {
  const ends: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
  let workers: Workers
  let doors: readonly Door[]
  before(async () => {
    const env = { LIMITS_SCALE: '1', LIMITS_OVERRIDE: 'read-user=60' }
    workers = await startWorkers(owner, newFolder(owner), 3, { env })
    doors = await workers.openDoors()
  })
  after(async () => {
    for (const end of ends) await end()
  })

  test('brute force: nine guesses at once, three at each, are five guesses', async () => {
    const body = { username: 'nobody', password: 'a guess' }
    const answers = await Promise.all(
      [...doors, ...doors, ...doors].map(door => door.call('POST', 'login', { body })),
    )
    const statuses = answers.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429])
  })

  test('what a user reads at two is added up: the third, which served little of it, refuses', async () => {
    const { access: token } = await signUp(workers, 'reader')
    const read = async (door: Door | undefined): Promise<number | undefined> =>
      (await door?.call('GET', 'me', { token }))?.status
    let atThird = 0
    // A worker hears within five seconds that there are others; from then on it tells them what it counts.
    await until(
      'the third refuses',
      async () => {
        for (const door of doors.slice(0, 2)) for (let n = 0; n < 4; n += 1) await read(door)
        atThird += 1
        await delay(300)
        return (await read(doors[2])) === 429
      },
      30_000,
    )
    assert.ok(atThird < 60, `${atThird} were read at the third: so many it would refuse by itself`)
  })
})
