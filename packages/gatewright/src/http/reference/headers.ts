/** The headers of answers that the reference tells of. */
export const answerHeaders = {
  'X-Request-Id': 'The id of this request: it also stands in the log, in audit events and in problems.',
  'RateLimit-Policy': 'The limits of this operation: how many, and in how many seconds.',
  RateLimit: 'What is left of them.',
  'Retry-After': 'Seconds after which a retry makes sense.',
  'WWW-Authenticate': 'Which credential to show, and what was wrong with the one shown (RFC 6750, RFC 9470).',
  Location: 'The address of what was made.',
  ETag: 'The version of what is answered.',
} as const satisfies Record<string, string>

export type HeaderName = keyof typeof answerHeaders

/** Every answer has these; an operation without a limit has the first one only. */
export const usualHeaders = (limit: string): readonly HeaderName[] =>
  limit === 'unlimited' ? ['X-Request-Id'] : ['X-Request-Id', 'RateLimit-Policy', 'RateLimit']

const ofRefusals: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  429: ['RateLimit-Policy', 'RateLimit', 'Retry-After'],
  503: ['Retry-After'],
}

export const refusalHeadersOf = (status: number): readonly HeaderName[] => [
  'X-Request-Id',
  ...(ofRefusals[status] ?? []),
]

/** As an OpenAPI object names them. */
export const toHeaderReferences = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))
