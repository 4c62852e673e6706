import type { Settings } from '../ground/settings.ts'
import { openListeningLine } from '../revocation/wake-by-listening.ts'
import { openValkeyLine } from '../revocation/wake-by-valkey.ts'
import { type LineState, tryLine } from '../revocation/wake-line.ts'
import { readEpoch } from '../storage/installation.ts'
import { findValkeyWarning } from '../storage/valkey.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'

type Facts = Pick<DatabaseFacts, 'db' | 'settings' | 'random'>

/** By experiment: a pooler between says yes to LISTEN, and delivers nothing. */
export const checkNotifications = async ({ db, settings, random }: Facts): Promise<Finding> => {
  return judgeNotifications(
    await tryLine(openListeningLine({ url: settings.databaseUrl, watch: db, random })),
  )
}

export const judgeNotifications = (state: LineState): Finding => {
  if (state.is === 'works') return ok('arrive: what one process takes back, others refuse at once')
  return warning({
    found: state.is === 'away' ? state.why : 'do not arrive',
    means:
      'Each process asks every 250 ms for what others have taken back, so that a logout takes so long to be known everywhere.',
    do: 'Where a pooler such as PgBouncer lends connections for a transaction, let DATABASE_URL go past it, or name VALKEY_URL.',
  })
}

const away = {
  means:
    'What one process takes back comes to others by the database alone. Limits that all processes count together can not be counted: each lets a few sign-ins through by itself, and answers the rest with 503.',
  do: 'Start it, or mend VALKEY_URL.',
} as const

/** Whether what is said at the server of `VALKEY_URL` arrives. */
export const checkValkey = async ({ db, settings, random }: Facts): Promise<Finding> => {
  const { valkeyUrl: url } = settings
  if (url === undefined) return ok('VALKEY_URL is not set: what is taken back travels by the database')
  return judgeValkey(await tryLine(openValkeyLine({ url, epoch: await readEpoch(db), random })), settings)
}

export const judgeValkey = (state: LineState, settings: Pick<Settings, 'valkeyUrl'>): Finding => {
  if (state.is !== 'works')
    return warning({ found: state.is === 'away' ? state.why : 'what is published does not arrive', ...away })
  const weak = findValkeyWarning(settings)
  if (weak === undefined) return ok('answers, and what is published arrives')
  return warning({
    found: weak,
    means:
      'Whoever has the password can set limits back and guess on, or use them up and keep everybody from signing in.',
    do: 'Give the server a certificate, and write rediss:// in VALKEY_URL.',
  })
}
