import type { AdministeredUser, Service } from '../api/administration-answers.ts'
import type { TextName } from '../texts/en.ts'

/** What is done to one thing by a press and a yes. */
export type Action<Thing> = {
  /** As the address of the route names it; `delete` is the method. */
  readonly name: string
  readonly label: TextName
  readonly done: TextName
  /** What ends and what stays, as docs/consequences has it. Without it nothing is asked. */
  readonly ends?: readonly TextName[]
  readonly asksReason?: true
  /** What takes it back, where nothing is lost by that. */
  readonly undo?: Action<Thing>
  /** Whether there is anything that it would change. */
  readonly isOffered: (thing: Thing) => boolean
}

type WithState = Pick<AdministeredUser, 'state'>

const enable: Action<WithState> = {
  name: 'enable',
  label: 'enable',
  done: 'userEnabled',
  isOffered: ({ state }) => state === 'disabled',
}

const hasFactors = ({ factors: { passkeys, totp, recovery_codes: codes } }: AdministeredUser): boolean =>
  passkeys > 0 || totp || codes > 0

export const userActions: readonly Action<AdministeredUser>[] = [
  enable,
  {
    name: 'end-sessions',
    label: 'endSessions',
    done: 'sessionsEnded',
    ends: ['endsSessions', 'keepsKeys'],
    isOffered: ({ sessions }) => sessions > 0,
  },
  {
    name: 'reset-password',
    label: 'forcePassword',
    done: 'passwordForced',
    ends: ['endsSessions', 'choosesPassword', 'keepsKeys', 'tellsUser'],
    isOffered: ({ has_password: hasPassword, password_change_due: isDue }) => hasPassword && !isDue,
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

const enableService: Action<Service> = { ...enable, done: 'serviceEnabled' }

export const serviceActions: readonly Action<Service>[] = [
  enableService,
  {
    name: 'disable',
    label: 'disable',
    done: 'userDisabled',
    ends: ['endsKeys', 'canBeUndone'],
    undo: enableService,
    isOffered: ({ state }) => state === 'enabled',
  },
  {
    name: 'delete',
    label: 'deleteUser',
    done: 'userDeleted',
    ends: ['endsKeys', 'endsService'],
    isOffered: () => true,
  },
]
