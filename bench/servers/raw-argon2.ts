import { hash, verify } from '@node-rs/argon2'

/** As Gatewright hashes. */
export const costs = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const stored = await hash('a right password', costs)

/** Checks a password for a second, so many at once and nothing else: what the machine can do at that moment. */
export const rawHashing = async (atOnce: number): Promise<{ readonly perSecond: number }> => {
  const begun = performance.now()
  let done = 0
  const work = async (): Promise<void> => {
    while (performance.now() - begun < 1_000) {
      await verify(stored, 'a wrong password')
      done += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { perSecond: (done * 1_000) / (performance.now() - begun) }
}
