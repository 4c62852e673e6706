import type { FastifyRequest } from 'fastify'
import { sha256 } from '../ground/encoding.ts'
import { Refusal } from '../ground/refusal.ts'

/** One entity tag of a header; `text` with its quotes and without the mark of a weak one. */
export type EntityTag = { readonly text: string; readonly isWeak: boolean }

const tag = String.raw`(W/)?("[\x21\x23-\x7e\x80-\xff]*")`
const listOfTags = new RegExp(String.raw`^(?:[ \t,]*${tag}[ \t]*(?:,|$))+[ \t,]*$`)

/** The tags of If-Match or If-None-Match (RFC 9110 §13.1). What is not a list of tags names none. */
export const readEntityTags = (header: string | undefined): 'any' | readonly EntityTag[] => {
  if (header === '*') return 'any'
  if (header === undefined || !listOfTags.test(header)) return []
  return [...header.matchAll(new RegExp(tag, 'g'))].map(([, weak, text = '']) => ({
    text,
    isWeak: weak !== undefined,
  }))
}

/**
 * Sixteen letters, digits, `-` and `_` that stand for a text: another text has another mark (96 bits of its
 * SHA-256). For tags and cursors; whoever can guess the text can check the guess, so never for a secret.
 *
 *     toVersionTag(post.version, toMark('Alice')) // '"3.O8UQYpc8RY1aby2N"'
 */
export const toMark = (text: string): string => sha256(text).slice(0, 16)

/**
 * The strong ETag of a row whose `version` is raised by every change. What is shown beside the row, and
 * changes without it, is told by `besides` (7 to 64 letters, digits, `-` and `_`): If-Match asks for the version only.
 */
export const toVersionTag = (version: number, besides = ''): string =>
  besides === '' ? `"${version}"` : `"${version}.${besides}"`

/** As `toVersionTag` writes it, and no number that a column of integers can't hold. */
const versionTag = /^"([1-9]\d{0,8})(?:\.[\w-]{7,64})?"$/

/** The schema of the headers of a route that takes If-Match. */
export const ifMatch = { type: 'object', properties: { 'if-match': { type: 'string' } } } as const

/**
 * The versions that If-Match allows to change, for `where version in (…)`; undefined where it allows any,
 * or was not sent. A weak tag allows none (RFC 9110 §13.1.1).
 * @throws Refusal `precondition_failed` where no version could be meant
 */
export const readIfMatch = ({ headers }: FastifyRequest): readonly number[] | undefined => {
  const tags = headers['if-match'] === undefined ? 'any' : readEntityTags(headers['if-match'])
  if (tags === 'any') return undefined
  const versions = tags.flatMap(({ text, isWeak }) => (isWeak ? [] : (versionTag.exec(text)?.[1] ?? [])))
  if (versions.length === 0) throw new Refusal('precondition_failed')
  return versions.map(Number)
}

/**
 * As `readIfMatch`, for a change that must say what it was made from.
 * @throws Refusal `precondition_required` without the header
 */
export const requireIfMatch = (request: FastifyRequest): readonly number[] | undefined => {
  if (request.headers['if-match'] === undefined) throw new Refusal('precondition_required')
  return readIfMatch(request)
}
