import type { FastifyInstance } from 'fastify'
import {
  blockIssuer,
  issuerPattern,
  type KnownIssuer,
  listIssuers,
  unblockIssuer,
} from '../../administration/issuers.ts'
import type { Engine } from '../../compose.ts'
import { toTimestampOrNull } from '../../ground/clock.ts'
import { permissionsGivenBy, warningsOfIssuers } from '../../ground/trusted-issuers.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { callerOf, originOf } from '../request.ts'
import { anyText, flag, integer, list, named, strictObject, textOrNull } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const issuerSchema = named(
  'TrustedIssuer',
  strictObject({
    issuer: anyText,
    in_settings: flag,
    audience: textOrNull,
    algorithms: list(anyText),
    local_user: textOrNull,
    permissions: list(anyText),
    linked: integer,
    blocked_at: textOrNull,
    keys_read_at: textOrNull,
    keys_trouble: textOrNull,
    warnings: list(anyText),
  }),
)

const example = {
  issuer: 'https://sso.example.org/realms/main',
  in_settings: true,
  audience: 'https://api.example.org',
  algorithms: ['RS256'],
  local_user: 'none',
  permissions: ['users:read'],
  linked: 0,
  blocked_at: null,
  keys_read_at: '2026-11-22T08:30:00.000Z',
  keys_trouble: null,
  warnings: [],
}

const { issuer } = example
const changedSchema = strictObject({ changed: flag, issuer: anyText, in_settings: flag })
const body = strictObject({ issuer: { type: 'string', maxLength: 255, pattern: issuerPattern } as const })

const tag = 'Administration'
const unsafe = { access: allOf(permission('clients:write'), recentSignIn()), limit: 'write' } as const

/** What this process knows of its keys: another one reads them by itself. */
const toView = ({ federation }: Engine, { issuer, entry, blockedAt, linked }: KnownIssuer) => {
  const { readAt, trouble } = federation.healthOf(issuer) ?? {}
  return {
    issuer,
    in_settings: entry !== undefined,
    audience: entry?.audience ?? null,
    algorithms: [...(entry?.algorithms ?? [])],
    local_user: entry?.localUser ?? null,
    permissions: entry === undefined ? [] : [...permissionsGivenBy(entry)].sort(),
    linked,
    blocked_at: toTimestampOrNull(blockedAt ?? null),
    keys_read_at: toTimestampOrNull(readAt ?? null),
    keys_trouble: trouble ?? null,
    warnings: entry === undefined ? [] : [...warningsOfIssuers([entry])],
  }
}

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/issuers',
    {
      config: {
        gate: { access: permission('clients:write'), limit: 'read', audit: 'none' },
        reference: {
          tag,
          summary:
            'The other issuers whose access tokens are taken (`TRUSTED_ISSUERS`), what their tokens may do at most, and those that are blocked besides',
          example: { answer: { issuers: [example] } },
        },
      },
      schema: { response: { 200: strictObject({ issuers: list(issuerSchema) }) } },
    },
    async () => {
      const known = await listIssuers(engine.db, engine.settings.trustedIssuers)
      return { issuers: known.map(one => toView(engine, one)) }
    },
  )
}

/** Both decide whether an issuer's tokens are taken. */
const changes = [
  {
    path: '/admin/issuers/block',
    change: blockIssuer,
    event: 'issuer.blocked',
    summary:
      'Refuse every access token of another issuer, also those that were let in a moment ago; only for who may do all that they may',
  },
  {
    path: '/admin/issuers/unblock',
    change: unblockIssuer,
    event: 'issuer.unblocked',
    summary:
      'Take its tokens again, if `TRUSTED_ISSUERS` names it, also those that were made before; only for who may do all that they may',
  },
] as const

const changeRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const { path, change, event, summary } of changes)
    typed(app).post(
      path,
      {
        config: {
          gate: { ...unsafe, audit: [event] },
          reference: {
            tag,
            summary,
            refusals: ['conflict'],
            example: { body: { issuer }, answer: { changed: true, issuer, in_settings: true } },
          },
        },
        schema: { body, response: { 200: changedSchema } },
      },
      async request => {
        const { issuer } = request.body
        const target = { issuer, origin: originOf(request) }
        const changed = await change(engine, target, callerOf(request))
        const in_settings = engine.settings.trustedIssuers.some(entry => entry.issuer === issuer)
        return { changed, issuer, in_settings }
      },
    )
}

/** Other issuers. Their names are addresses, so they stand in no path. */
export const issuerRoutes = (app: FastifyInstance, engine: Engine): void => {
  listRoute(app, engine)
  changeRoutes(app, engine)
}
