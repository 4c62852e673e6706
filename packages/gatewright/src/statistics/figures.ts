/** What a figure counts: answers of which its status says so, or audit events of which their name does. */
type Row = { readonly help: string } & (
  | { readonly answers: (status: number) => boolean }
  | { readonly events: (name: string) => boolean }
)

const oneOf =
  (...names: readonly string[]) =>
  (name: string): boolean =>
    names.includes(name)

/** Every figure of `GET /admin/statistics` that is counted by minutes: a column of its tables. */
export const figures = {
  requests: { help: 'Requests that were answered.', answers: () => true },
  refused: {
    help: 'Of them, those that were refused for who asked or what that one may (401, 403).',
    answers: status => status === 401 || status === 403,
  },
  limited: { help: 'Of them, those that were too many (429).', answers: status => status === 429 },
  errors: { help: 'Of them, those that failed here (500 and above).', answers: status => status >= 500 },
  sign_ins: { help: 'Sessions that began.', events: oneOf('session.started') },
  failed_sign_ins: {
    help: 'Sign-ins, and confirmations of who somebody is, that failed.',
    events: oneOf('sign-in.failed'),
  },
  second_factors_failed: { help: 'Second factors that were refused.', events: oneOf('second-factor.failed') },
  refreshes: {
    help: 'Refresh tokens that gave a new access token.',
    events: oneOf('session.refreshed', 'session.refresh-retried'),
  },
  reuses: {
    help: 'Old refresh tokens that were shown: each ended its session.',
    events: oneOf('refresh-token.reused'),
  },
  ended_sessions: { help: 'Sessions that ended, for whatever reason.', events: oneOf('session.ended') },
  unusual: { help: 'Unusual sign-ins of any pattern.', events: name => name.startsWith('unusual.') },
} as const satisfies Readonly<Record<string, Row>>

export type Figure = keyof typeof figures
export type Figures = Readonly<Record<Figure, number>>

export const figureNames = Object.keys(figures) as readonly Figure[]

/** What was counted by status, or by name, each since the process began. */
export type Counts<Key> = Iterable<readonly [Key, number]>

const sum = <Key>(counts: Counts<Key>, isMeant: (key: Key) => boolean): number => {
  let found = 0
  for (const [key, count] of counts) if (isMeant(key)) found += count
  return found
}

export const toFigures = (of: (name: Figure) => number): Figures =>
  Object.fromEntries(figureNames.map(name => [name, of(name)])) as Figures

/** All figures since the process began. */
export const countFigures = (
  answers: ReadonlyMap<number, number>,
  events: ReadonlyMap<string, number>,
): Figures =>
  toFigures(name => {
    const row: Row = figures[name]
    return 'answers' in row ? sum(answers, row.answers) : sum(events, row.events)
  })
