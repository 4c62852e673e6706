/** What clients were told, and what they asked without an answer. Only what was answered must be there. */
export type Ledger = {
  readonly users: User[]
  readonly sessions: Session[]
  readonly things: Thing[]
  /** Things whose deletion was answered. */
  readonly gone: Thing[]
  /** Names asked for without an answer. */
  readonly askedNames: string[]
  /** Whatever was answered since everything was last looked at. */
  readonly fresh: Set<User | Thing>
}

export type User = {
  readonly name: string
  /** The number of the client that acts for the user. */
  readonly owner: number
  roles: readonly string[]
  state: 'enabled' | 'disabled'
  password: string
  /** A new password that was sent and not answered. */
  askedPassword?: string
  /** A command that was begun and did not say that it is done. */
  askedCommand?: Command
}

/** What an administrator does to a user at the command line. */
export type Command =
  | { readonly what: 'role'; readonly roles: readonly string[] }
  | { readonly what: 'disable' }

export type Session = {
  readonly user: User
  access: string
  refresh: string
  state: 'live' | 'ended'
  /** What was sent for this session and not answered. */
  asked?: 'end' | 'refresh'
}

export type Thing = { readonly path: string; readonly title: string; readonly user: User }

export const newLedger = (): Ledger => ({
  users: [],
  sessions: [],
  things: [],
  gone: [],
  askedNames: [],
  fresh: new Set(),
})

/** All sessions of the user have ended. */
export const endAll = ({ sessions }: Ledger, user: User): void => {
  for (const session of sessions) if (session.user === user) session.state = 'ended'
}

/** The public id in an access token. */
export const sessionIdOf = ({ access }: Pick<Session, 'access'>): string => {
  const claims = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
  return String(claims.sid).split('.')[0] ?? ''
}
