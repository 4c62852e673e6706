import type { JSONSchema } from 'json-schema-to-ts'

/** An object with exactly these fields; those named in `optional` may be left out. */
export const strictObject = <
  const Properties extends Readonly<Record<string, JSONSchema>>,
  const Optional extends keyof Properties & string = never,
>(
  properties: Properties,
  optional: readonly Optional[] = [],
) => ({
  type: 'object' as const,
  additionalProperties: false as const,
  properties,
  required: Object.keys(properties).filter(
    name => !(optional as readonly string[]).includes(name),
  ) as Exclude<keyof Properties & string, Optional>[],
})

/** A schema that several operations share: the API reference shows it under this title. */
export const named = <const Schema extends JSONSchema>(title: string, schema: Schema): Schema =>
  Object.assign({ title }, schema)

/** Text between two lengths, in UTF-16 units as JSON Schema counts code points. */
export const text = <const Least extends number>(least: Least, most: number) =>
  ({ type: 'string', minLength: least, maxLength: most }) as const

/** A name that somebody gives: one line, without what is not seen. */
export const givenName = <const Most extends number>(most: Most) =>
  ({ ...text(1, most), pattern: '^(?=.*\\S)[^\\p{C}\\p{Zl}\\p{Zp}]+$' }) as const

export const anyText = { type: 'string' } as const
export const flag = { type: 'boolean' } as const
export const integer = { type: 'integer' } as const
export const timestamp = { type: 'string', format: 'date-time' } as const
export const textOrNull = { type: ['string', 'null'] } as const
export const list = <const Items extends JSONSchema>(items: Items) => ({ type: 'array', items }) as const

/** An opaque id of ours: 128 bits in base64url. */
export const id = { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' } as const
/** An id for examples. */
export const madeUpId = 'anExampleOfAnIdOfOurs_'
export const idParams = strictObject({ id })

/** A method and a path, as `explain` is asked about one. */
export const routePattern = '^[A-Z]{1,20} /[^ ]{0,2000}$'

/** A body that may be left out. */
export const orNothing = <const Schema extends JSONSchema>(schema: Schema) =>
  ({ anyOf: [schema, { type: 'null' }] }) as const

/** An answer without a body. */
export const nothing = { type: 'null' } as const

/** Passwords are bounded in bytes before they are hashed; here only what no password can be is refused. */
export const password = text(1, 4_096)
export const passwordExample = 'correct horse battery staple'
export const username = text(1, 200)
export const email = { type: 'string', format: 'email', maxLength: 254 } as const

export const tokenPair = named(
  'TokenPair',
  strictObject({
    access_token: anyText,
    refresh_token: anyText,
    token_type: { const: 'Bearer' },
    expires_in: integer,
  }),
)

/** A pair for examples. */
export const madeUpPair = {
  access_token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI…',
  refresh_token: 'gwr_…',
  token_type: 'Bearer',
  expires_in: 600,
} as const

/** A recovery code for examples. */
export const madeUpRecoveryCode = 'EXAMPX-EXAMPX-EXAMPX-EXAMPX'

const inBase32 = 'AKEYOFAUTHENTICATORAPPSINEXAMPLE'

/** An authenticator app's secret for examples. */
export const madeUpTotp = {
  secret: inBase32,
  uri: `otpauth://totp/Gatewright:alice?issuer=Gatewright&secret=${inBase32}&algorithm=SHA1&digits=6&period=30`,
  qr_svg: '<svg …>',
} as const

/** A statement for examples. */
export const madeUpStatement = 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImdhdGV3cmlnaHQtcmV2b2NhdGlvbnMrand0In0.…'

/** A page of a v1 list. */
export const pageQuery = strictObject(
  {
    page: { type: 'integer', minimum: 1, maximum: 1_000_000, default: 1 },
    per_page: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
  },
  ['page', 'per_page'],
)

/** What asks for a page behind a cursor. A cursor holds the sort key of a row, so it may be long. */
export const cursorQuery = strictObject(
  { cursor: text(1, 5_000), limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 } },
  ['cursor', 'limit'],
)

/** A page behind a cursor; `next_cursor` is null at the end of the list. */
export const cursorPage = <const Items extends JSONSchema>(items: Items) =>
  strictObject({ data: list(items), next_cursor: textOrNull })
