import { hideText, type Secrets } from '../ground/secrets.ts'
import type { Processes } from '../processes/processes.ts'
import type { UserRow } from '../storage/tables.ts'
import { nameKey } from '../users/users.ts'

export type NameHashing = {
  readonly secrets: Pick<Secrets, 'mac'>
  readonly processes: Pick<Processes, 'lastSecretInForce'>
}

/** People type passwords into the field of the name: what is kept of it says nothing without the secret. */
const ofName = ({ secrets, processes }: NameHashing, kind: string, key: string): string => {
  const id = processes.lastSecretInForce()
  return `${kind}.${id}.${hideText(secrets, 'sign-in-name', id, key)}`
}

const ofUser = (id: string): string => `user.${id}.pwd`

/** What is guessed at from a device that is not known: the name as it was submitted, and the user's password. */
export const strangerKeys = (
  hashing: NameHashing,
  name: string,
  user: Pick<UserRow, 'id'> | undefined,
): readonly string[] => {
  const key = nameKey(name)
  // As many rows for a name that nobody has, written by the same statement.
  return [ofName(hashing, 'name', key), user === undefined ? ofName(hashing, 'nobody', key) : ofUser(user.id)]
}

/** All that strangers can have used up of this user. */
export const keysOfUser = (
  hashing: NameHashing,
  user: Pick<UserRow, 'id' | 'username_key' | 'email_key' | 'email_verified_at'>,
): readonly string[] => [
  ofUser(user.id),
  ofName(hashing, 'name', user.username_key),
  ...(user.email_key !== null && user.email_verified_at !== null
    ? [ofName(hashing, 'name', user.email_key)]
    : []),
]

/** The counter of a user's password, from devices that are not known. */
export const userKey = ofUser
export const deviceKey = (id: string): string => `device.${id}`
export const sessionKey = (id: string): string => `session.${id}`

/** By whom a second factor is shown: strangers delay no known device, and nobody who is signed in. */
export type FactorGuesser =
  | { readonly userId: string }
  | { readonly deviceId: string }
  | { readonly signedInUserId: string }

/**
 * The counter of a user's second factor. Whoever is signed in has one for all sessions: a step-up by password gives
 * a new id, and must give no new guesses.
 */
export const factorKey = (method: string, guesser: FactorGuesser): string => {
  if ('deviceId' in guesser) return `device.${guesser.deviceId}.${method}`
  if ('signedInUserId' in guesser) return `signed-in.${guesser.signedInUserId}.${method}`
  return `user.${guesser.userId}.${method}`
}
