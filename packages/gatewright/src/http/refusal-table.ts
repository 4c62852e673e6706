import type { AuditEventName } from '../audit/events.ts'
import type { CountedEvent } from '../audit/refusal-counts.ts'
import { codePurposes } from '../codes/purposes.ts'
import { endReasons } from '../ground/end-reasons.ts'
import type { RefusalCode } from '../ground/refusal.ts'
import { limits } from '../limits/table.ts'

/** What a refusal leaves in the audit record. */
export type RefusalTrace = {
  /** Written with it, in the transaction that refused: one of these lists, whole. */
  readonly own?: readonly (readonly AuditEventName[])[]
  /** Counts it where no event of its own tells of it: the first of a kind at once, then one row a minute. */
  readonly counted?: CountedEvent
  /** Only these reasons are counted; without a word, all. */
  readonly only?: readonly string[]
  /** These are not. */
  readonly except?: readonly string[]
  /** Why the rest is in the log alone. */
  readonly unrecorded?: string
  /** Ids of the exact reason that it may have; where none is given, the code is the reason. */
  readonly reasons: readonly string[]
}

/** What a text that is no credential, or none of ours, is refused for. */
const tokenReasons = [
  'encoding',
  'json_object',
  'spelling',
  'claim_unknown',
  'key',
  'too_long',
  'parts',
  'header',
  'algorithm',
  'type',
  'signature',
  'issuer',
  'audience',
].map(name => `token_${name}`)

const foreignReasons = [
  'encoding',
  'json_object',
  'claim_aud',
  'claim_permissions',
  'claim_sub',
  'claim_refused',
  'issued_in_future',
  'lives_too_long',
  'header',
  'type',
  'required_claim',
  'issuer',
  'issuer_blocked',
  'too_long',
  'parts',
  'key',
  'algorithm',
  'signature',
  'audience',
  'not_yet',
  'not_linked',
].map(name => `foreign_${name}`)

const keyReasons = [
  'form',
  'unknown',
  'secret',
  'ended',
  'expired',
  'address',
  'revoked',
  'owner_disabled',
].map(name => `key_${name}`)

const off = ['bearer_off', 'cookie_off', 'api-key_off']
const linkReasons = Object.keys(codePurposes).map(purpose => `link_${purpose}`)
const passkeyFaults = [
  'type',
  'challenge',
  'origin',
  'frame',
  'relying_party',
  'user_not_verified',
  'user_handle',
  'attestation',
  'backup_changed',
  'signature',
  'unknown',
  'of_another',
  'cloned',
].map(name => `passkey_${name}`)

/** By these a body is made for parsers that disagree, or to be costly. A slip of the hand makes none of them. */
const attackSigns = ['duplicate_name', 'forbidden_name', 'depth', 'size'].map(name => `json_${name}`)

const slips =
  'Programs and people make such mistakes, and nothing was tried with them that the log does not show.'
const state = 'It says how things stand, to somebody who may know it.'
const ours = 'It refuses nobody: the fault is ours, and the log and the metrics have it.'
const byProxy =
  'The server has not seen the request: nginx answered it, and has it in its own log (in the repository: docs/nginx.md).'
const elsewhere = 'It is in the log alone: nothing is known of who asked, and every scanner asks.'

/**
 * What each refusal leaves in the audit record, how often, and the reasons that it may have: the answer to "why was
 * this refused" has no other source. docs/audit.md shows it, and a test sends every kind of wrong request to every
 * route and finds these events, none more and none less.
 */
export const refusalTable = {
  validation_failed: { unrecorded: slips, reasons: [] },
  malformed_json: {
    counted: 'request.refused',
    only: attackSigns,
    unrecorded: slips,
    reasons: [...attackSigns, ...['encoding', 'syntax', 'text', 'number'].map(name => `json_${name}`)],
  },
  malformed_request: { unrecorded: elsewhere, reasons: [] },
  password_too_short: { unrecorded: slips, reasons: ['last_factor'] },
  password_blocklisted: {
    unrecorded: slips,
    reasons: ['guessable_password', 'breached_password', 'same_password'],
  },
  several_credentials: { counted: 'request.refused', reasons: [] },
  invalid_link: { own: [['link.refused']], counted: 'request.refused', reasons: linkReasons },
  invalid_credentials: {
    own: [['sign-in.failed'], ['passkey.cloned', 'sign-in.failed']],
    counted: 'credential.refused',
    reasons: ['unknown_user', 'wrong_password', 'throttled', 'user_disabled', ...passkeyFaults],
  },
  mfa_required: { own: [['second-factor.asked']], counted: 'credential.refused', reasons: [] },
  password_change_required: {
    own: [['user.password-change-asked']],
    counted: 'credential.refused',
    reasons: [],
  },
  invalid_mfa_code: {
    own: [['second-factor.failed'], ['passkey.cloned', 'second-factor.failed'], ['sign-in.failed']],
    counted: 'credential.refused',
    reasons: [
      'factor_not_shown',
      'no_such_factor',
      'wrong_code',
      'replayed_code',
      'throttled',
      'challenge_over',
      ...passkeyFaults,
    ],
  },
  invalid_token: {
    counted: 'credential.refused',
    except: ['no_credential'],
    unrecorded: 'Nobody was refused who showed anything.',
    reasons: [
      'no_credential',
      ...tokenReasons,
      ...foreignReasons,
      ...keyReasons,
      ...off,
      'unknown_other',
      'unknown_api-key',
      'unknown_cookie',
      'cookie_form',
      'cookie_unknown',
      'refresh_token_form',
      'refresh_token_unknown',
    ],
  },
  token_expired: { counted: 'credential.refused', reasons: ['token_expired', 'foreign_expired'] },
  session_ended: {
    own: [['session.ended'], ['refresh-token.ahead', 'session.ended']],
    counted: 'credential.refused',
    reasons: ['cut_off', 'ended', 'refresh-token.ahead', ...endReasons],
  },
  token_stale: { unrecorded: 'Only services elsewhere say it, which have no audit record.', reasons: [] },
  session_renewed: { unrecorded: 'Another tab has what goes on: nothing was refused for good.', reasons: [] },
  refresh_token_reused: {
    own: [['refresh-token.reused', 'session.ended']],
    counted: 'credential.refused',
    reasons: ['refresh-token.reused'],
  },
  insufficient_user_authentication: { counted: 'credential.refused', reasons: ['factor_not_shown'] },
  insufficient_permission: {
    counted: 'access.refused',
    reasons: [
      'kind_of_principal',
      'no_rule',
      'no_such_thing',
      'no_local_user',
      'user_field_not_writable',
      'key_wider_than_maker',
      'registration_by_invitation',
      'registration_closed',
      ...off,
    ],
  },
  second_factor_required: { counted: 'access.refused', reasons: ['key_wider_than_maker'] },
  csrf_failed: { counted: 'access.refused', reasons: ['origin', 'csrf_token'] },
  not_found: {
    counted: 'access.refused',
    only: ['hidden'],
    unrecorded: 'Nothing is there, and every scanner asks; the log has it.',
    reasons: ['hidden'],
  },
  method_not_allowed: { unrecorded: elsewhere, reasons: [] },
  not_acceptable: { unrecorded: slips, reasons: [] },
  username_taken: { unrecorded: state, reasons: [] },
  conflict: {
    unrecorded: state,
    reasons: [
      'key_replaced',
      'too_many_keys',
      'owner_disabled',
      'owner_is_person',
      'registration_closed',
      'mail_off',
      'role_of_code',
      'role_held',
      'role_exists',
      'too_many_roles',
      'passkeys_need_a_name',
      'too_many_passkeys',
      'passkey_exists',
      'kind_unknown_to_process',
      'no_second_factor',
      'factor_exists',
      'review_changed',
    ],
  },
  last_administrator: { unrecorded: state, reasons: [] },
  precondition_required: { unrecorded: slips, reasons: [] },
  precondition_failed: { unrecorded: state, reasons: [] },
  idempotency_key_reused: { counted: 'request.refused', reasons: [] },
  body_too_large: { unrecorded: slips, reasons: [] },
  headers_too_large: { unrecorded: elsewhere, reasons: [] },
  request_timeout: { unrecorded: elsewhere, reasons: [] },
  https_required: { unrecorded: byProxy, reasons: [] },
  wrong_host: { unrecorded: byProxy, reasons: [] },
  no_answer: { unrecorded: byProxy, reasons: [] },
  unsupported_media_type: { unrecorded: slips, reasons: [] },
  rate_limited: { counted: 'limit.exceeded', reasons: [...Object.keys(limits), 'places_taken'] },
  unavailable: {
    unrecorded: ours,
    reasons: [
      'database',
      'limit_store_away',
      'roles_unread',
      'revocations_stale',
      'feed_kind_unknown',
      'feed_changed',
      'database_lost',
      'no_signing_key',
      'hashing_queue_full',
      'caller_gone',
      'strength_unknown',
      'strength_queue_full',
      'breach_service_away',
      'breach_check_full',
      'process_not_registered',
      'user_changing',
      'secret_not_held',
    ],
  },
  internal_error: { unrecorded: ours, reasons: [] },
} as const satisfies Readonly<Record<RefusalCode, RefusalTrace>>

/** The event that counts this refusal; undefined where the table says that none does. */
export const countedAs = (code: RefusalCode, reason: string | undefined): CountedEvent | undefined => {
  const { counted, only, except }: RefusalTrace = refusalTable[code]
  if (counted === undefined) return undefined
  if (only !== undefined && !only.includes(reason ?? code)) return undefined
  return except?.includes(reason ?? code) ? undefined : counted
}
