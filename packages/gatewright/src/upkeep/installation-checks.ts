import { toTimestamp } from '../ground/clock.ts'
import { createSecrets, type Secrets } from '../ground/secrets.ts'
import { administratorRole } from '../permissions/roles.ts'
import { listSecrets, type SecretState, toRests } from '../processes/describe-secrets.ts'
import { readSecretFile, secretFile } from '../storage/secret-file.ts'
import type { DatabaseFacts, SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { judgeAgeOfSecret } from './secret-age.ts'

type SecretSource = { readonly text: string; readonly texts: readonly string[] }

const findSecrets = ({ settings, folder, sources }: SettingsFacts): SecretSource => {
  if (settings.gatewrightSecret !== undefined)
    return { text: `GATEWRIGHT_SECRET from ${sources.GATEWRIGHT_SECRET}`, texts: settings.gatewrightSecret }
  const kept = readSecretFile(folder)
  return { text: secretFile(folder), texts: kept === undefined ? [] : [kept] }
}

/** The secrets given; undefined where there are none, or a text is no secret. */
export const openHeldSecrets = (facts: SettingsFacts): Secrets | undefined => {
  const { texts } = findSecrets(facts)
  try {
    return texts.length === 0 ? undefined : createSecrets(texts, facts.random)
  } catch {
    return undefined
  }
}

const listHeldSecrets = (facts: SettingsFacts): readonly string[] => openHeldSecrets(facts)?.ids ?? []

/** Where the secret comes from: given, or made by a start in development. */
export const checkSecret = (facts: SettingsFacts): Finding => {
  const { text, texts } = findSecrets(facts)
  if (texts.length === 0) return ok('none yet; a first start in development makes one')
  if (openHeldSecrets(facts) !== undefined) return ok(text)
  return problem({
    found: `${text} does not hold a secret`,
    means: 'The server does not start.',
    do: 'Put the right file back from the backup: what the database holds can be opened with it only.',
  })
}

const describeMissing = ({ id, isInForce, dependents }: SecretState): string =>
  `${id} (${isInForce ? 'values are made with it; ' : ''}${toRests(dependents)})`

const isNeeded = ({ isInForce, dependents }: SecretState): boolean => isInForce || dependents.length > 0

/** What the oldest secret of several is still needed for. */
const describeOldest = (states: readonly SecretState[], held: readonly string[]): string => {
  const oldest = states.find(({ id }) => id === held.at(-1))
  if (held.length < 2 || oldest === undefined) return 'held'
  if (isNeeded(oldest)) return `held; on the oldest, ${oldest.id}, rests: ${toRests(oldest.dependents)}`
  return `held; nothing rests on the oldest, ${oldest.id}: it can be taken out`
}

const judgeForce = (states: readonly SecretState[], held: readonly string[]): Finding => {
  const found = describeOldest(states, held)
  const inForce = states.find(({ isInForce }) => isInForce)
  if (inForce === undefined || inForce.id === held[0] || inForce.processes === 0) return ok(found)
  return warning({
    found: `values are made with ${inForce.id}, and not with ${held[0]}, the first one here; ${found}`,
    means: 'A process that runs does not list that one, or lists it behind.',
    do: 'Give every process the same GATEWRIGHT_SECRET, newest first, and restart those that have another.',
  })
}

/** Whether the secrets that the database rests on are held, and what the oldest one is still needed for. */
export const checkSecretOfDatabase = async (facts: DatabaseFacts): Promise<Finding> => {
  const held = listHeldSecrets(facts)
  const states = await listSecrets(facts, held)
  const missing = states.filter(state => isNeeded(state) && !held.includes(state.id))
  if (missing.length === 0) {
    const judged = judgeForce(states, held)
    return judged.level === 'ok' ? ((await judgeAgeOfSecret(facts)) ?? judged) : judged
  }
  return problem({
    found: `the database rests on the secret ${missing.map(describeMissing).join(', ')}, which is not given`,
    means: 'The server does not start: signing keys can not be opened, and refresh tokens are not known.',
    do: 'Add that secret to GATEWRIGHT_SECRET, behind the new one, or put the file "secret" back beside the database.',
  })
}

/** @returns whether an administrator has ever been, how many there are now, and when an open link ends */
const readAdministration = async ({ db, clock }: Pick<DatabaseFacts, 'db' | 'clock'>) => {
  const installation = await db.selectFrom('installation').select('first_administrator_at').executeTakeFirst()
  const enabled = await db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('user_roles.role', '=', administratorRole)
    .where('users.disabled_at', 'is', null)
    .where('users.kind', '=', 'user')
    .executeTakeFirstOrThrow()
  const link = await db
    .selectFrom('setup_links')
    .select('expires_at')
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  return {
    hasEverBeen: (installation?.first_administrator_at ?? null) !== null,
    count: Number(enabled.count),
    linkUntil: link?.expires_at,
  }
}

export const checkAdministrator = async (facts: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding> => {
  const { hasEverBeen, count, linkUntil } = await readAdministration(facts)
  if (count > 0) return ok(`${count} enabled`)
  if (hasEverBeen)
    return problem({
      found: 'no administrator is enabled',
      means: 'Nobody can administer this installation over the API.',
      do: 'gatewright user enable <name>, or gatewright user create --username <name> --role admin',
    })
  const command = 'gatewright user create --username <name> --role admin'
  if (linkUntil === undefined)
    return warning({
      found: 'there has never been one',
      means: 'The next start prints a link to make the first administrator.',
      do: `Start the server and use the link, or write: ${command}`,
    })
  return warning({
    found: `there has never been one; a set-up link is open until ${toTimestamp(linkUntil)}`,
    means: 'Whoever has that link becomes the first administrator.',
    do: `Use it, make a new one with gatewright setup-link, or write: ${command}`,
  })
}
