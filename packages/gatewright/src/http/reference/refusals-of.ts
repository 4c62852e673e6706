import { isSafe } from '../../gate/cross-site.ts'
import type { RefusalCode } from '../../ground/refusal.ts'
import { type AccessRule, permissionsIn } from '../../permissions/access-rule.ts'
import { administrativePermissions } from '../../permissions/permissions.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { takesHeader } from './parameters.ts'

const asksFor = (rule: AccessRule, kinds: readonly AccessRule['kind'][]): boolean =>
  kinds.includes(rule.kind) || ('rules' in rule && rule.rules.some(part => asksFor(part, kinds)))

type Row = { readonly codes: readonly RefusalCode[]; readonly when: (route: DeclaredRoute) => boolean }

/** API keys and clients are refused where they are not named, also where anybody else is let in. */
const isForFew = ({ principals = [], readsOwnCredential }: DeclaredRoute['rule']): boolean =>
  !readsOwnCredential && !(principals.includes('api-key') && principals.includes('client'))

const always = () => true

/** Which refusals a declaration brings with it. */
const rows: readonly Row[] = [
  { codes: ['malformed_request', 'several_credentials'], when: always },
  // Public operations too: a credential that is shown must be good.
  { codes: ['invalid_token', 'token_expired', 'session_ended'], when: always },
  // Whoever changes something may carry a session cookie, also where it lets nobody in.
  { codes: ['csrf_failed'], when: ({ method }) => !isSafe(method) },
  {
    codes: ['session_renewed'],
    when: ({ rule: { ignoresCookie, readsOwnCredential } }) => !ignoresCookie && !readsOwnCredential,
  },
  { codes: ['precondition_failed'], when: route => takesHeader(route, 'if-match') },
  { codes: ['idempotency_key_reused'], when: route => takesHeader(route, 'idempotency-key') },
  {
    codes: ['validation_failed'],
    when: ({ schema }) =>
      schema?.body !== undefined || schema?.querystring !== undefined || schema?.headers !== undefined,
  },
  {
    codes: ['malformed_json', 'body_too_large', 'unsupported_media_type'],
    when: ({ schema }) => schema?.body !== undefined,
  },
  {
    codes: ['insufficient_user_authentication'],
    when: ({ rule }) => asksFor(rule.access, ['recent-sign-in']),
  },
  {
    codes: ['insufficient_permission'],
    when: ({ rule }) =>
      asksFor(rule.access, ['permission', 'role', 'owner', 'own-session']) || isForFew(rule),
  },
  {
    codes: ['second_factor_required'],
    when: ({ rule }) =>
      asksFor(rule.access, ['role', 'second-factor']) ||
      permissionsIn(rule.access).some(name => administrativePermissions.has(name)),
  },
  { codes: ['not_found'], when: ({ url }) => /[:*]/.test(url) },
  { codes: ['rate_limited'], when: ({ rule }) => rule.limit !== 'unlimited' },
  { codes: ['not_acceptable', 'request_timeout', 'headers_too_large'], when: always },
  { codes: ['internal_error', 'unavailable'], when: always },
]

/** Every code with which a route may be refused, its own ones included. */
export const refusalsOf = (route: DeclaredRoute): readonly RefusalCode[] => [
  ...new Set([
    ...rows.filter(({ when }) => when(route)).flatMap(({ codes }) => codes),
    ...(route.reference?.refusals ?? []),
  ]),
]
