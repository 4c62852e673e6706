/** One thing that an administrator does: how it is told, and how it is taken back where that is safe. */
export type Change = {
  readonly run: () => Promise<unknown>
  /** Said once it is done; without it the page shows what came of it. */
  readonly done?: string | ((answer: unknown) => string)
  /** Known at once, or by what the server answered. */
  readonly undo?: Undo | ((answer: unknown) => Undo)
  /** Nothing is left of the thing afterwards. */
  readonly isEnd?: true
  /** What else follows here. */
  readonly onDone?: (answer: unknown) => void
}

type Undo = Omit<Change, 'undo'>

/** What is asked before something is done that hurts. */
export type Question = {
  readonly title: string
  /** What ends by it and what stays, one sentence each. */
  readonly ends: readonly string[]
  readonly submit: string
  /** Whoever it is done to is told why. */
  readonly asksReason?: true
  readonly toChange: (reason: string) => Change
}
