/** An error as it may stand in a log. */
export type LoggedError = {
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly code?: string
  readonly constraint?: string
  readonly table?: string
  readonly cause?: LoggedError
  readonly errors?: readonly LoggedError[]
}

/** PostgreSQL's errors about data (class 22) quote the value that was wrong. */
const quotesValues = /^22[0-9A-Z]{3}$/

const fields = ['code', 'constraint', 'table'] as const

const pick = (error: object): Partial<LoggedError> =>
  Object.fromEntries(
    fields.map(name => [name, Reflect.get(error, name)]).filter(([, value]) => typeof value === 'string'),
  )

/**
 * Chosen fields of an error, and none that hold values of a row: of PostgreSQL's, `detail`, `where` and the
 * statement stay out, and what its message quotes where that is data.
 */
export const toLoggedError = (error: unknown): LoggedError | unknown =>
  error instanceof Error ? describe(error) : error

const describe = (error: Error): LoggedError => {
  const picked = pick(error)
  const { message } = error
  const shown = quotesValues.test(picked.code ?? '') ? message.replace(/".*"/s, '"…"') : message
  return {
    type: error.constructor.name,
    message: shown,
    stack: (error.stack ?? '').replace(message, () => shown),
    ...picked,
    ...(error.cause instanceof Error && { cause: describe(error.cause) }),
    ...(error instanceof AggregateError && {
      errors: error.errors.filter(each => each instanceof Error).map(describe),
    }),
  }
}
