/** What became of attempts to deliver something, in this process since it began. */
export type DeliveryCounts = {
  done: number
  /** It is tried again. */
  failed: number
  givenUp: number
}

export const noDeliveries = (): DeliveryCounts => ({ done: 0, failed: 0, givenUp: 0 })
