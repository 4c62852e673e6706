import { sha256 } from './encoding.ts'

/** No id of a user has a colon, and no `:id` of a URL: what begins so is nobody here. */
const prefix = 'foreign:'

/**
 * Stands where a user's id would, for a principal who is no user here: the same for one subject of one issuer, and
 * no other's. Both are written with their length, so that no two pairs are one text.
 */
export const toForeignId = (issuer: string, subject: string): string =>
  prefix + sha256(`${issuer.length}:${issuer}${subject}`)

/** Whether this is no user's id, but that of a principal who is no user here. */
export const isForeignId = (id: string): boolean => id.startsWith(prefix)
