import cluster from 'node:cluster'
import { second } from '../ground/clock.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Order, Report, Told } from './messages.ts'

/** What a worker does when its parent says so. */
export type Orders = Readonly<Record<'stop' | 'retire' | 'reopen-log', () => void>>

/** A worker's side of the channel to its parent. Without its parent it ends at once: Node.js sees to that. */
export type ParentLink = {
  /** True for the one that starts alone: what is done once, and said once, is done by it. */
  readonly isFirst: boolean
  readonly obey: (orders: Orders) => void
  /** It listens on this port, and should get traffic. */
  readonly sayReady: (port: number) => void
  /** How this worker measures itself. */
  readonly measureWith: (measure: () => Promise<unknown>) => void
  /** What all workers measured; those that did not answer in time are left out. */
  readonly askAll: () => Promise<readonly Told[]>
  /** The channel alone keeps this process alive no longer: its start failed. */
  readonly letGo: () => void
}

/** The parent asks for a second; one that does not answer at all is not waited for. */
const longestWait = 2 * second

const report = (message: Report): void => void process.send?.(message)

/** For a process that `supervise` has started. */
export const openParentLink = (): ParentLink => {
  const asked = new Map<number, (all: readonly Told[]) => void>()
  let lastQuestion = 0
  let orders: Orders | undefined
  let measure: (() => Promise<unknown>) | undefined

  const tellFigures = async (question: number): Promise<void> => {
    const figures = await measure?.().catch(() => undefined)
    report({ report: 'measured', question, figures })
  }
  process.on('message', (message: Order) => {
    if (message.order === 'measure') void tellFigures(message.question)
    else if (message.order === 'read') asked.get(message.question)?.(message.all)
    else orders?.[message.order]?.()
  })
  return {
    isFirst: cluster.worker?.id === 1,
    obey: given => {
      orders = given
    },
    sayReady: port => report({ report: 'ready', port }),
    measureWith: how => {
      measure = how
    },
    askAll: async () => {
      const question = ++lastQuestion
      let found: readonly Told[] = []
      const answer = new Promise<void>(resolve => {
        asked.set(question, all => {
          found = all
          resolve()
        })
      })
      report({ report: 'question', question })
      await waitAtMost(longestWait, answer)
      asked.delete(question)
      return found
    },
    letGo: () => process.channel?.unref(),
  }
}
