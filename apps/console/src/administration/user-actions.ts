import type { AdministeredUser } from '../api/administration-answers.ts'
import type { TextName } from '../texts/en.ts'

/** What is done to one user by a press and a yes. */
export type UserAction = {
  /** As the address of the route names it. */
  readonly name: 'disable' | 'enable' | 'end-sessions' | 'reset-factors' | 'delete'
  readonly label: TextName
  readonly done: TextName
  /** What ends and what stays, as docs/consequences has it. Without it nothing is asked. */
  readonly ends?: readonly TextName[]
  readonly asksReason?: true
  /** What takes it back, where nothing is lost by that. */
  readonly undo?: UserAction
  /** Whether there is anything that it would change. */
  readonly isOffered: (user: AdministeredUser) => boolean
}

const enable: UserAction = {
  name: 'enable',
  label: 'enable',
  done: 'userEnabled',
  isOffered: ({ state }) => state === 'disabled',
}

const hasFactors = ({ factors: { passkeys, totp, recovery_codes: codes } }: AdministeredUser): boolean =>
  passkeys > 0 || totp || codes > 0

export const userActions: readonly UserAction[] = [
  enable,
  {
    name: 'end-sessions',
    label: 'endSessions',
    done: 'sessionsEnded',
    ends: ['endsSessions', 'keepsKeys'],
    isOffered: ({ sessions }) => sessions > 0,
  },
  {
    name: 'reset-factors',
    label: 'resetFactors',
    done: 'factorsReset',
    ends: ['endsFactors', 'endsSessions', 'keepsKeys', 'tellsUser'],
    asksReason: true,
    isOffered: hasFactors,
  },
  {
    name: 'disable',
    label: 'disable',
    done: 'userDisabled',
    ends: ['endsSessions', 'endsKeys', 'endsSignIn', 'canBeUndone'],
    asksReason: true,
    undo: enable,
    isOffered: ({ state }) => state === 'enabled',
  },
  {
    name: 'delete',
    label: 'deleteUser',
    done: 'userDeleted',
    ends: ['endsSessions', 'endsKeys', 'endsUser'],
    isOffered: () => true,
  },
]
