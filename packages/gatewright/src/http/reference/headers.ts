/** The headers of answers that the reference tells of. */
export const answerHeaders = {
  'X-Request-Id': 'The id of this request: it also stands in the log, in audit events and in problems.',
  'RateLimit-Policy': 'The limits of this operation: how many, and in how many seconds.',
  RateLimit: 'What is left of them.',
  'Retry-After': 'Seconds after which a retry makes sense.',
  'WWW-Authenticate': 'Which credential to show, and what was wrong with the one shown (RFC 6750, RFC 9470).',
  Location: 'The address of what was made.',
  ETag: 'The version of what is answered.',
  'Idempotency-Replayed': '`true` where the answer is that to an earlier request with the same key.',
  'Set-Cookie': 'The session cookie.',
} as const satisfies Record<string, string>

/** The headers of requests that the reference tells of, beside credentials. */
export const requestHeaders: Readonly<Record<string, string>> = {
  'If-Match': 'The ETag of what was read: only that version is changed. `*` stands for any.',
  'If-None-Match': 'The ETag of what is known: where it is still the same, the answer is 304.',
  'Idempotency-Key':
    'A text of your own choice. Sent again within 24 hours it takes effect once, and is answered as before.',
  'X-CSRF-Token': 'With a session cookie: the `csrf_token` of the session. Nobody else needs it.',
}

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
