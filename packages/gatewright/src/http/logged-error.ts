import { describeSqlState } from '../storage/sqlstate.ts'

/** An error as it may stand in a log. */
export type LoggedError = {
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly code?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
  readonly cause?: LoggedError
  readonly errors?: readonly LoggedError[]
}

const fields = ['code', 'table', 'column', 'constraint'] as const

const pick = (error: object): Partial<Record<(typeof fields)[number], string>> =>
  Object.fromEntries(
    fields.map(name => [name, Reflect.get(error, name)]).filter(([, value]) => typeof value === 'string'),
  )

/** Enough to find a fault by: causes may go round in a circle, and thousands may have failed together. */
const deepest = 5
const mostErrors = 20

/**
 * Chosen fields of an error, and none that hold values of a row. Of PostgreSQL's, `detail`, `where` and the
 * statement stay out, and so does its message, which may quote a value: what its code means is told instead.
 * At most 5 deep, and 20 errors in all.
 */
export const toLoggedError = (error: unknown): LoggedError | unknown =>
  error instanceof Error ? describe(error, { left: mostErrors }, deepest) : error

const describe = (error: Error, budget: { left: number }, depth: number): LoggedError => {
  budget.left -= 1
  const picked = pick(error)
  const meaning = describeSqlState(picked.code ?? '')
  const type = error.constructor.name
  const { message, stack = '' } = error
  const further = (others: readonly unknown[]): readonly LoggedError[] =>
    depth === 1 ? [] : describeAll(others, budget, depth - 1)
  const [cause] = further([error.cause])
  const errors = error instanceof AggregateError ? further(error.errors) : []
  return {
    type,
    message: meaning ?? message,
    stack: meaning === undefined ? stack : [`${type}: ${meaning}`, ...framesOf(stack, message)].join('\n'),
    ...picked,
    ...(cause && { cause }),
    ...(errors.length > 0 && { errors }),
  }
}

const describeAll = (
  others: readonly unknown[],
  budget: { left: number },
  depth: number,
): readonly LoggedError[] =>
  others
    .slice(0, budget.left)
    .flatMap(other => (other instanceof Error && budget.left > 0 ? describe(other, budget, depth) : []))

/** Where it happened. The message is cut off first: a line of it may look like a frame. */
const framesOf = (stack: string, message: string): readonly string[] => {
  const at = stack.indexOf(message)
  const frames = at === -1 ? stack : stack.slice(at + message.length)
  return frames.split('\n').filter(line => /^ {4}at /.test(line))
}
