/** What one worker measured, as it is told; the reader of it knows its form. */
export type Told = { readonly worker: number; readonly figures: unknown }

/** From the parent to a worker. */
export type Order =
  /** Finish what is in flight and end, as after SIGTERM. */
  | { readonly order: 'stop' }
  /** Take no more connections, and end when the last one has. */
  | { readonly order: 'retire' }
  | { readonly order: 'reopen-log' }
  | { readonly order: 'measure'; readonly question: number }
  | { readonly order: 'read'; readonly question: number; readonly all: readonly Told[] }

/** From a worker to the parent. */
export type Report =
  | { readonly report: 'ready'; readonly port: number }
  /** It wants to know what all workers measured. */
  | { readonly report: 'question'; readonly question: number }
  | { readonly report: 'measured'; readonly question: number; readonly figures: unknown }
