import { type Contender, type Running, startContender } from './contender.ts'
import { type Load, load, type Measured } from './wrk.ts'

export type Slice = Measured & { readonly ratio: number; readonly cpuRatio: number }

/**
 * All are up and warm; each round visits them in turn, with the reference before and after each one, and a
 * figure is a ratio to the mean of the two around it. So what else the machine does falls on both.
 */
export const compare = async (
  reference: Contender,
  others: readonly Contender[],
  what: Omit<Load, 'seconds'>,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<ReadonlyMap<string, readonly Slice[]>> => {
  const up: Running[] = []
  try {
    for (const contender of [reference, ...others]) up.push(await startContender(contender))
    const [base, ...rest] = up as [Running, ...Running[]]
    for (const running of up) await load(running, { ...what, seconds: 3 })
    const slices = new Map<string, Slice[]>(up.map(({ name }) => [name, []]))
    for (let round = 0; round < rounds; round += 1) {
      let before = await load(base, { ...what, seconds })
      for (const running of round % 2 ? [...rest].reverse() : rest) {
        const slice = await load(running, { ...what, seconds })
        const after = await load(base, { ...what, seconds })
        slices.get(running.name)?.push({
          ...slice,
          ratio: (2 * slice.perSecond) / (before.perSecond + after.perSecond),
          cpuRatio: (before.cpu + after.cpu) / (2 * slice.cpu),
        })
        slices.get(base.name)?.push({ ...after, ratio: 1, cpuRatio: 1 })
        before = after
      }
    }
    return slices
  } finally {
    for (const running of up) await running.stop()
  }
}
