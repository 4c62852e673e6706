import type { FastifyError } from 'fastify'
import { issuerPattern } from '../administration/issuers.ts'
import type { FieldError } from '../ground/refusal.ts'
import { givenName, id, routePattern } from './schemas.ts'

type Entry = NonNullable<FastifyError['validation']>[number]

/** The field that an entry is about, as a JSON pointer; a missing or unknown one is named itself. */
const toPath = ({ instancePath, params }: Entry): string => {
  const named = params.missingProperty ?? params.additionalProperty
  return typeof named === 'string' ? `${instancePath}/${named}` : instancePath || '/'
}

const types: Readonly<Record<string, string>> = {
  object: 'a JSON object',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

const toType = (asked: readonly string[]): string =>
  asked.length === 1 && asked[0] === 'null'
    ? 'must be left out'
    : `must be ${asked.map(type => types[type] ?? type).join(' or ')}`

const formats: Readonly<Record<string, string>> = {
  email: 'must be an e-mail address, such as alice@example.org',
  'date-time': 'must be a time, such as 2026-11-22T12:00:00Z',
}

/** Those of which nobody could read what is asked for. */
const patterns: ReadonlyMap<string, string> = new Map([
  [id.pattern, 'is not an id'],
  [givenName(1).pattern, 'must be one line, without signs that are not seen'],
  [issuerPattern, 'must be the address of an issuer, exactly as `iss` has it'],
  [routePattern, 'must be a method and a path, such as GET /api/v1/posts'],
  ['\\S', 'must not be empty'],
  ['^[^\\u0000]+$', 'must not hold the character U+0000'],
  ['^[^\\u0000]*$', 'must not hold the character U+0000'],
])

const countOf = (limit: unknown, one: string, many: string): string => `${limit} ${limit === 1 ? one : many}`

type Params = Entry['params']

/** What each keyword asked for, for people; one that is not here says what the validator says. */
const messages: Readonly<Record<string, (params: Params) => string | undefined>> = {
  additionalProperties: () => 'is not a known field',
  required: () => 'is missing',
  type: ({ type }) => toType(Array.isArray(type) ? type : String(type).split(',')),
  enum: ({ allowedValues }) =>
    Array.isArray(allowedValues) ? `must be one of ${allowedValues.join(', ')}` : undefined,
  format: ({ format }) => formats[String(format)],
  pattern: ({ pattern }) => patterns.get(String(pattern)),
  minimum: ({ limit }) => `must be ${limit} or more`,
  maximum: ({ limit }) => `must be ${limit} or less`,
  minLength: ({ limit }) =>
    limit === 1 ? 'must not be empty' : `must have at least ${countOf(limit, 'character', 'characters')}`,
  maxLength: ({ limit }) => `must have at most ${countOf(limit, 'character', 'characters')}`,
  minItems: ({ limit }) => `must have at least ${countOf(limit, 'entry', 'entries')}`,
  maxItems: ({ limit }) => `must have at most ${countOf(limit, 'entry', 'entries')}`,
  minProperties: ({ limit }) => `must have at least ${countOf(limit, 'field', 'fields')}`,
}

const toMessage = ({ keyword, params, message = 'is not valid' }: Entry): string =>
  messages[keyword]?.(params) ?? message

/** What may be left out, or be null, is not what whoever sent it got wrong. */
const isOfChoice = ({ keyword, params, schemaPath }: Entry): boolean =>
  keyword === 'anyOf' || (params.type === 'null' && schemaPath.includes('/anyOf/'))

const tellsNew = ({ path }: FieldError, at: number, all: readonly FieldError[]): boolean =>
  all.findIndex(other => other.path === path) === at

/** One line for each field that a validator found wrong: what is asked of it, so that it can be mended. */
export const toFieldErrors = (entries: readonly Entry[]): readonly FieldError[] => {
  const telling = entries.filter(entry => !isOfChoice(entry))
  return (telling.length > 0 ? telling : entries)
    .map(entry => ({ path: toPath(entry), message: toMessage(entry) }))
    .filter(tellsNew)
}
