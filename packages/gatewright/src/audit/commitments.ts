import { hmacSha256, toBase64url } from '../ground/encoding.ts'

export type DetailValue = string | number | boolean | null | readonly string[]

/** What can be erased of an event. */
export type PersonalFields = {
  readonly address: string | null
  readonly details: Readonly<Record<string, DetailValue>>
}

/**
 * What the row of an event says of a personal field: the HMAC of its value under a random salt of that row. Who has
 * the value and the salt can check it; without the salt it says nothing, however few values there are to try.
 */
const commitmentTo = (salt: string, field: string, value: DetailValue): string =>
  hmacSha256(
    Buffer.from(salt, 'base64url'),
    `${field}\0${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )

/** The commitments to all that is there, as the column `commitments` has them. */
export const toCommitments = (salt: string, { address, details }: PersonalFields): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries({ ...(address !== null && { address }), ...details }).map(([field, value]) => [
        field,
        commitmentTo(salt, field, value),
      ]),
    ),
  )

/** 256 bits, so that a commitment can't be opened by trying. */
export const newSalt = (bytes: Uint8Array): string => toBase64url(bytes)
