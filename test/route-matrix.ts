import { toTimestamp } from 'gatewright/clock'
import { type ListName, toCursorPage } from '../apps/blog/src/paging/cursor.ts'
import type { Place } from '../apps/blog/src/paging/keyset.ts'
import { reviewAccess } from '../packages/gatewright/src/access-review/review.ts'
import { toCursorPage as toEngineCursorPage } from '../packages/gatewright/src/http/cursor.ts'
import { toLogFilter } from '../packages/gatewright/src/http/routes/audit.ts'
import { linkExample } from '../packages/gatewright/src/http/routes/identities.ts'
import { openSetupLink } from '../packages/gatewright/src/sign-in/setup-link.ts'
import { apiKeyRequests } from './api-keys/requests.ts'
import { forgetFactors } from './factors/enrolled.ts'
import { factorRequests, withoutFactors } from './factors/requests.ts'
import { type Caller, password, type TestApp } from './harness.ts'
import { mailRequests } from './mail/requests.ts'
import { passkeyRequests } from './passkeys/requests.ts'
import { inviteTo } from './registration/invite-to.ts'
import { freshName, type Sender, type SenderName, senderNames } from './senders.ts'
import { giveUndo } from './sessions/given-device.ts'

/**
 * Who gets what from each route. `of` says what the `:id` names (it belongs to `owner`, see senders.ts)
 * or which kind of request it is. HEAD stands for itself: it is held to the line of its GET.
 * The words are those of {@link words}; a number is the status of a success.
 */
export const matrix = `
| route | of | anonymous | owner | other | moderator | administrator | factorless | roleless | stale | expired | ended | API key | service | foreign | linked | both |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| GET /healthz |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /readyz |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /metrics |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET / |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /console |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /console/* |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/errors |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /.well-known/jwks.json |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /.well-known/oauth-authorization-server |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /openapi.json |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/postman.json |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/ |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/reference.css |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/reference.js |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/swagger-ui.css |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /docs/swagger-ui.js |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /api/v1/revocations |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | no | no | two |
| POST /api/v1/setup | open link | 201 | 201 | 201 | 201 | 201 | 201 | 201 | 201 | late | over | no | no | no | no | two |
| POST /api/v1/setup | no link | link | link | link | link | link | link | link | link | late | over | no | no | no | no | two |
| POST /api/v1/register |  | 201 | 201 | 201 | 201 | 201 | 201 | 201 | 201 | late | over | no | no | no | no | two |
| POST /api/v1/register | invitation | 201 | 201 | 201 | 201 | 201 | 201 | 201 | 201 | late | over | no | no | no | no | two |
| POST /api/v1/register | no invitation | link | link | link | link | link | link | link | link | late | over | no | no | no | no | two |
| POST /api/v1/login |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/login/passkey/options |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/login/passkey |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/login/mfa |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/login/mfa/options |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/password/forgot |  | 202 | 202 | 202 | 202 | 202 | 202 | 202 | 202 | late | over | no | no | no | no | two |
| POST /api/v1/password/reset | open link | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | late | over | no | no | no | no | two |
| POST /api/v1/email/verify | open link | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | late | over | no | no | no | no | two |
| POST /api/v1/email/undo | open link | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/sign-in/prove | open link | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | late | over | no | no | no | no | two |
| POST /api/v1/email/not-me | open link | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/password/strength |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/sessions |  | 201 | 201 | 201 | 201 | 201 | 201 | 201 | 201 | late | over | no | no | no | no | two |
| GET /api/v1/sessions/current |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/step-up/options |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/step-up |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/refresh | own token | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | over | who | who | who | who | two |
| POST /api/v1/logout | access token | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | 200 | who | who | who | who | two |
| POST /api/v1/logout | refresh token | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | who | who | who | who | two |
| GET /api/v1/me |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| PATCH /api/v1/me |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /api/v1/me/events |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| GET /api/v1/me/export |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me |  | who | 204 | 204 | 204 | 204 | 204 | 204 | again | late | over | no | no | no | no | two |
| POST /api/v1/me/email |  | who | 202 | 202 | 202 | 202 | 202 | 202 | again | late | over | no | no | no | no | two |
| POST /api/v1/me/email/verification |  | who | 202 | 202 | 202 | 202 | 202 | 202 | 202 | late | over | no | no | no | no | two |
| PUT /api/v1/me/password |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| GET /api/v1/me/factors |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/me/totp |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| POST /api/v1/me/totp/confirm |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me/totp |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| POST /api/v1/me/recovery-codes |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| GET /api/v1/me/passkeys |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/me/passkeys/options |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| POST /api/v1/me/passkeys |  | who | 200 | 200 | 200 | 200 | 200 | 200 | again | late | over | no | no | no | no | two |
| PATCH /api/v1/me/passkeys/:id | passkey | who | 200 | none | none | none | none | none | again | late | over | no | no | no | no | two |
| PATCH /api/v1/me/passkeys/:id | unknown id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| PATCH /api/v1/me/passkeys/:id | malformed id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me/passkeys/:id | passkey | who | 200 | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me/passkeys/:id | unknown id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me/passkeys/:id | malformed id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| GET /api/v1/protected |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| GET /api/v1/sessions |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| DELETE /api/v1/sessions |  | who | 204 | 204 | 204 | 204 | 204 | 204 | again | late | over | no | no | no | no | two |
| DELETE /api/v1/sessions/:id | another session | who | 204 | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/sessions/:id | this session | who | 204 | 204 | 204 | 204 | 204 | 204 | 204 | late | over | no | no | no | no | two |
| DELETE /api/v1/sessions/:id | unknown id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/sessions/:id | malformed id | who | none | none | none | none | none | none | none | late | over | no | no | no | no | two |
| GET /api/v1/me/known-devices |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| DELETE /api/v1/me/known-devices/:id | known device | who | 200 | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me/known-devices/:id | unknown id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/me/known-devices/:id | malformed id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| POST /api/v1/me/known-devices/undo |  | who | 204 | 204 | 204 | 204 | 204 | 204 | again | late | over | no | no | no | no | two |
| GET /api/v1/api-keys |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | no | no | no | no | two |
| POST /api/v1/api-keys |  | who | 201 | 201 | 201 | 201 | 201 | 201 | again | late | over | no | no | no | no | two |
| POST /api/v1/api-keys/:id/rotate | API key | who | 201 | none | none | none | none | none | again | late | over | no | no | no | no | two |
| POST /api/v1/api-keys/:id/rotate | unknown id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| POST /api/v1/api-keys/:id/rotate | malformed id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/api-keys/:id | API key | who | 204 | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/api-keys/:id | unknown id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| DELETE /api/v1/api-keys/:id | malformed id | who | none | none | none | none | none | none | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/api-keys |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| POST /api/v1/admin/api-keys |  | who | no | no | no | 201 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/api-keys/:id/rotate | key of a service | who | no | no | no | 201 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/api-keys/:id/rotate | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/api-keys/:id/rotate | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/api-keys/:id | API key | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/api-keys/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/api-keys/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users |  | who | no | no | no | 201 | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/users |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/users/:id | the owner | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/users/:id | unknown id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| GET /api/v1/admin/users/:id | malformed id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/disable | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/disable | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/disable | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/enable | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/enable | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/enable | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/end-sessions | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/end-sessions | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/end-sessions | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/reset-password | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/reset-password | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/reset-password | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/reset-factors | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/reset-factors | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/reset-factors | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| PUT /api/v1/admin/users/:id/roles | somebody | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| PUT /api/v1/admin/users/:id/roles | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| PUT /api/v1/admin/users/:id/roles | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/users/:id | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/users/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/users/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/users/:id/identities | somebody | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/users/:id/identities | unknown id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| GET /api/v1/admin/users/:id/identities | malformed id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/identities | somebody | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/identities | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/users/:id/identities | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/users/:id/identities | linked user | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/users/:id/identities | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/users/:id/identities | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/issuers |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| POST /api/v1/admin/issuers/block |  | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/issuers/unblock |  | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/explain |  | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/invitations |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/invitations/:id | invitation | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/invitations/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/invitations/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/services |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| POST /api/v1/admin/services |  | who | no | no | no | 201 | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/services/:id | service | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/services/:id | the owner | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| GET /api/v1/admin/services/:id | unknown id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| GET /api/v1/admin/services/:id | malformed id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| PUT /api/v1/admin/services/:id/roles | service | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| PUT /api/v1/admin/services/:id/roles | the owner | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| PUT /api/v1/admin/services/:id/roles | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| PUT /api/v1/admin/services/:id/roles | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/disable | service | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/disable | the owner | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/disable | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/disable | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/enable | service | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/enable | the owner | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/enable | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/services/:id/enable | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/services/:id | service | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/services/:id | the owner | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/services/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/services/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/roles |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/permissions |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| POST /api/v1/admin/roles |  | who | no | no | no | 201 | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/roles/:id | role | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/roles/:id | unknown id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| GET /api/v1/admin/roles/:id | malformed id | who | no | no | no | none | factor | no | none | late | over | no | no | no | no | two |
| PATCH /api/v1/admin/roles/:id | role | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| PATCH /api/v1/admin/roles/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| PATCH /api/v1/admin/roles/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/roles/:id | role | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/roles/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/roles/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/sessions |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/sessions/:id | another session | who | no | no | no | 204 | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/sessions/:id | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| DELETE /api/v1/admin/sessions/:id | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/audit/chain |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/signing-keys |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| POST /api/v1/admin/signing-keys/rotate |  | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/signing-keys/:id/revoke | signing key | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/signing-keys/:id/revoke | unknown id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| POST /api/v1/admin/signing-keys/:id/revoke | malformed id | who | no | no | no | none | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/settings |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET /api/v1/admin/health |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET /api/v1/admin/access-review |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/access-review/export |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| GET /api/v1/admin/access-review/sign-offs |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | no | no | no | two |
| POST /api/v1/admin/access-review/sign-offs |  | who | no | no | no | 201 | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/statistics |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET /api/v1/admin/audit |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET /api/v1/admin/audit/events |  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET /api/v1/admin/audit/export |  | who | no | no | no | 200 | factor | no | again | late | over | no | no | no | no | two |
| GET /api/v1/admin/audit/:id | audit event  | who | no | no | no | 200 | factor | no | 200 | late | over | no | 200 | no | no | two |
| GET /api/v1/admin/audit/:id | unknown id | who | no | no | no | none | factor | no | none | late | over | no | none | no | no | two |
| GET /api/v1/admin/audit/:id | malformed id | who | no | no | no | none | factor | no | none | late | over | no | none | no | no | two |
| GET /api/v1/users |  | who | 200 | 200 | 200 | 200 | 200 | no | 200 | late | over | 200 | 200 | 200 | 200 | two |
| POST /api/v1/users |  | 201 | 201 | 201 | 201 | 201 | 201 | 201 | again | late | over | 201 | no | 201 | 201 | two |
| POST /api/v1/users | with roles | who | no | no | no | 201 | factor | no | again | late | over | no | no | factor | no | two |
| GET /api/v1/users/:id | the owner | who | 200 | 200 | 200 | 200 | 200 | no | 200 | late | over | 200 | 200 | 200 | 200 | two |
| GET /api/v1/users/:id | unknown id | who | none | none | none | none | none | no | none | late | over | none | none | none | none | two |
| GET /api/v1/users/:id | malformed id | who | none | none | none | none | none | no | none | late | over | none | none | none | none | two |
| GET /api/v1/posts |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| POST /api/v1/posts |  | who | 201 | 201 | 201 | 201 | 201 | no | 201 | late | over | 201 | 201 | no | 201 | two |
| GET /api/v1/posts/:id | published post | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| GET /api/v1/posts/:id | draft | none | 200 | none | 200 | 200 | 200 | none | 200 | late | over | 200 | 200 | 200 | 200 | two |
| GET /api/v1/posts/:id | unknown id | none | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v1/posts/:id | malformed id | none | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PUT /api/v1/posts/:id | published post | who | 200 | no | 200 | 200 | 200 | no | 200 | late | over | 200 | 200 | 200 | 200 | two |
| PUT /api/v1/posts/:id | draft | who | 200 | none | 200 | 200 | 200 | none | 200 | late | over | 200 | 200 | 200 | 200 | two |
| PUT /api/v1/posts/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PUT /api/v1/posts/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v1/posts/:id | published post | who | 204 | no | 204 | 204 | 204 | no | 204 | late | over | 204 | 204 | 204 | 204 | two |
| DELETE /api/v1/posts/:id | draft | who | 204 | none | 204 | 204 | 204 | none | 204 | late | over | 204 | 204 | 204 | 204 | two |
| DELETE /api/v1/posts/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v1/posts/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v1/todos |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| POST /api/v1/todos |  | who | 201 | 201 | 201 | 201 | 201 | 201 | 201 | late | over | 201 | 201 | no | 201 | two |
| GET /api/v1/todos/:id | todo | who | 200 | none | none | none | none | none | none | late | over | 200 | none | none | 200 | two |
| GET /api/v1/todos/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v1/todos/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PUT /api/v1/todos/:id | todo | who | 200 | none | none | none | none | none | none | late | over | 200 | none | none | 200 | two |
| PUT /api/v1/todos/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PUT /api/v1/todos/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v1/todos/:id | todo | who | 204 | none | none | none | none | none | none | late | over | 204 | none | none | 204 | two |
| DELETE /api/v1/todos/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v1/todos/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v2/posts |  | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| POST /api/v2/posts |  | who | 201 | 201 | 201 | 201 | 201 | no | 201 | late | over | 201 | 201 | no | 201 | two |
| GET /api/v2/posts/:id | published post | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| GET /api/v2/posts/:id | draft | none | 200 | none | 200 | 200 | 200 | none | 200 | late | over | 200 | 200 | 200 | 200 | two |
| GET /api/v2/posts/:id | unknown id | none | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v2/posts/:id | malformed id | none | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PATCH /api/v2/posts/:id | published post | who | 200 | no | 200 | 200 | 200 | no | 200 | late | over | 200 | 200 | 200 | 200 | two |
| PATCH /api/v2/posts/:id | draft | who | 200 | none | 200 | 200 | 200 | none | 200 | late | over | 200 | 200 | 200 | 200 | two |
| PATCH /api/v2/posts/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PATCH /api/v2/posts/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v2/posts/:id | published post | who | 204 | no | 204 | 204 | 204 | no | 204 | late | over | 204 | 204 | 204 | 204 | two |
| DELETE /api/v2/posts/:id | draft | who | 204 | none | 204 | 204 | 204 | none | 204 | late | over | 204 | 204 | 204 | 204 | two |
| DELETE /api/v2/posts/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v2/posts/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v2/todos |  | who | 200 | 200 | 200 | 200 | 200 | 200 | 200 | late | over | 200 | 200 | 200 | 200 | two |
| POST /api/v2/todos |  | who | 201 | 201 | 201 | 201 | 201 | 201 | 201 | late | over | 201 | 201 | no | 201 | two |
| GET /api/v2/todos/:id | todo | who | 200 | none | none | none | none | none | none | late | over | 200 | none | none | 200 | two |
| GET /api/v2/todos/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| GET /api/v2/todos/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PATCH /api/v2/todos/:id | todo | who | 200 | none | none | none | none | none | none | late | over | 200 | none | none | 200 | two |
| PATCH /api/v2/todos/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| PATCH /api/v2/todos/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v2/todos/:id | todo | who | 204 | none | none | none | none | none | none | late | over | 204 | none | none | 204 | two |
| DELETE /api/v2/todos/:id | unknown id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
| DELETE /api/v2/todos/:id | malformed id | who | none | none | none | none | none | none | none | late | over | none | none | none | none | two |
`

/** What the words of the matrix stand for. */
export const words: Readonly<Record<string, string>> = {
  who: '401 invalid_token',
  late: '401 token_expired',
  over: '401 session_ended',
  again: '401 insufficient_user_authentication',
  no: '403 insufficient_permission',
  none: '404 not_found',
  factor: '403 second_factor_required',
  two: '400 several_credentials',
  link: '400 invalid_link',
}

export type Row = {
  /** Method and URL. */
  readonly route: string
  readonly of: string
  readonly expected: Readonly<Record<SenderName, string>>
}

const cellsOf = (line: string): readonly string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim())

const toRow = ([route = '', of = '', ...cells]: readonly string[]): Row => ({
  route,
  of,
  expected: Object.fromEntries(
    senderNames.map((name, index) => [name, words[cells[index] ?? ''] ?? cells[index] ?? '']),
  ) as Record<SenderName, string>,
})

export const parseMatrix = (
  text: string,
): { readonly columns: readonly string[]; readonly rows: readonly Row[] } => {
  const [head = '', , ...lines] = text.trim().split('\n')
  return { columns: cellsOf(head).slice(2), rows: lines.map(line => toRow(cellsOf(line))) }
}

/** What a body is made from. */
type Occasion = {
  readonly t: TestApp
  readonly owner: Caller
  readonly sender: Sender
  readonly of: string
}

type Request = {
  /** A body that the route takes. */
  readonly body?: (occasion: Occasion) => unknown
  /** A query that the route takes, with every parameter it knows. */
  readonly query?: Readonly<Record<string, string>>
  /** Further headers that it needs. */
  readonly headers?: Readonly<Record<string, string>>
  /** A success ends or renews the session that it was asked with. */
  readonly spends?: true
}

/** A token of a set-up link that is open, as on a database that never had an administrator. */
const openLink = async ({ engine }: TestApp): Promise<string> => {
  await engine.db.updateTable('installation').set({ first_administrator_at: null }).execute()
  await engine.db.deleteFrom('setup_links').execute()
  const link = await openSetupLink(engine)
  if (link.state !== 'made') throw new TypeError('this database could not have a set-up link')
  return link.token
}

/** What other requests have planted is in no way of a sign-in by password alone. */
const passwordOfOwner = async ({ t, owner: { id, username } }: Occasion) => {
  await forgetFactors(t.engine, id)
  return { username, password }
}

const registration = () => ({ username: freshName(), password, email: 'a@b.example' })
const page = { page: '1', per_page: '10' }

/** A registration with an open invitation, with one that there is not, or without. */
const showInvitation = async ({ t, of }: Occasion): Promise<unknown> => {
  const { email, ...asked } = registration()
  if (of === 'no invitation') return { ...asked, invitation: 'unknown' }
  return of === 'invitation' ? { ...asked, invitation: await inviteTo(t, email) } : { ...asked, email }
}
const anyVersion = { 'if-match': '*' }
const unknownId = 'AAAAAAAAAAAAAAAAAAAAAA'

/** A page by cursor, with all that the list takes; the cursor belongs to the rest. */
const cursorPage = (name: ListName, place: Place, filters: Readonly<Record<string, string>>) => ({
  limit: '10',
  sort: name[1],
  ...filters,
  cursor: String(toCursorPage(name, place, []).next_cursor),
})
const due = Date.UTC(2027, 0, 1)

/** A page of users, with all that the list takes. */
const usersSearch = { q: 'a', role: 'user', state: 'enabled' }
const usersPage = {
  ...usersSearch,
  limit: '10',
  cursor: String(
    toEngineCursorPage(
      ['admin/users', usersSearch],
      { rows: [], next: { key: 'a', id: unknownId } },
      row => row,
    ).next_cursor,
  ),
}

const engineCursor = (list: string, asked: Readonly<Record<string, unknown>> = {}): string =>
  String(
    toEngineCursorPage([list, asked], { rows: [], next: { key: 0, id: unknownId } }, row => row).next_cursor,
  )

/** A request that each route takes; a route without a body or a query needs no line. */
const auditAsked = {
  user: unknownId,
  event: 'session.',
  from: '2026-11-01T00:00:00Z',
  until: '2026-11-21T00:00:00Z',
  address: '192.0.2.1',
  session: unknownId,
  request: unknownId,
  reason: 'logout',
}
const eventCursor = (list: string, asked: Readonly<Record<string, unknown>> = {}): string =>
  String(toEngineCursorPage([list, asked], { rows: [], next: { key: 1, id: '1' } }, row => row).next_cursor)
const auditPage = {
  ...auditAsked,
  limit: '10',
  cursor: eventCursor('admin/audit', toLogFilter(auditAsked)),
}

export const requests: Readonly<Record<string, Request>> = {
  'POST /api/v1/setup': {
    body: async ({ t, of }) => ({
      token: of === 'no link' ? 'unknown' : await openLink(t),
      ...registration(),
    }),
  },
  'GET /api/v1/revocations': { query: { nonce: 'A'.repeat(22), after: 'unknown', wait_ms: '0' } },
  'POST /api/v1/register': { body: showInvitation },
  'POST /api/v1/admin/users': { body: () => ({ email: `${freshName()}@example.org`, locale: 'zh-CN' }) },
  'POST /api/v1/admin/explain': { body: () => ({ route: 'GET /api/v1/me' }) },
  'GET /api/v1/admin/invitations': { query: page },
  'GET /api/v1/admin/users': { query: usersPage },
  'POST /api/v1/admin/users/:id/disable': { body: () => ({ reason: 'left' }) },
  'POST /api/v1/admin/users/:id/reset-factors': { body: () => ({ reason: 'lost the telephone' }) },
  'POST /api/v1/admin/users/:id/identities': {
    body: () => ({ issuer: 'https://a.example', subject: freshName() }),
  },
  'DELETE /api/v1/admin/users/:id/identities': { query: linkExample, spends: true },
  'POST /api/v1/admin/issuers/block': { body: () => ({ issuer: `https://${freshName()}.example.org` }) },
  'POST /api/v1/admin/issuers/unblock': { body: () => ({ issuer: `https://${freshName()}.example.org` }) },
  'PUT /api/v1/admin/users/:id/roles': { body: () => ({ roles: ['moderator', 'user'] }) },
  'GET /api/v1/admin/api-keys': {
    query: {
      limit: '10',
      owner_id: unknownId,
      cursor: engineCursor('admin/api-keys', { ownerId: unknownId }),
    },
  },
  'GET /api/v1/admin/access-review': {
    query: {
      limit: '10',
      unused_for: '30d',
      kind: 'unused-role',
      cursor: String(
        toEngineCursorPage(
          ['admin/access-review', { days: 30, asked: 'unused-role' }],
          { rows: [], next: { key: '02 bob', id: unknownId } },
          row => row,
        ).next_cursor,
      ),
    },
  },
  'GET /api/v1/admin/access-review/export': { query: { unused_for: '30d' } },
  'POST /api/v1/admin/access-review/sign-offs': {
    body: async ({ t }) => ({
      digest: (await reviewAccess(t.engine, 90)).digest,
      unused_for: '90d',
      comment: 'seen',
    }),
  },
  'GET /api/v1/admin/statistics': {
    query: { step: 'day', from: '2026-11-01T00:00:00Z', until: '2026-11-21T00:00:00Z' },
  },
  'GET /api/v1/me/events': { query: { limit: '10', cursor: eventCursor('me/events') } },
  'GET /api/v1/admin/audit/export': { query: { ...auditAsked, personal: 'true' } },
  'GET /api/v1/admin/audit': { query: auditPage },
  'GET /api/v1/admin/services': { query: { limit: '10', cursor: engineCursor('admin/services') } },
  'GET /api/v1/admin/sessions': {
    query: {
      limit: '10',
      user: unknownId,
      cursor: engineCursor('admin/sessions', { userId: unknownId }),
    },
  },
  'POST /api/v1/admin/services': {
    body: () => ({ name: freshName(), description: 'reports', roles: ['user'] }),
  },
  'PUT /api/v1/admin/services/:id/roles': { body: () => ({ roles: ['moderator'] }) },
  'POST /api/v1/admin/roles': {
    body: () => ({ name: freshName(), description: 'reads', permissions: ['users:read'] }),
  },
  'PATCH /api/v1/admin/roles/:id': { body: () => ({ description: 'reads', permissions: ['users:read'] }) },
  'POST /api/v1/login': { body: passwordOfOwner },
  'POST /api/v1/sessions': {
    body: passwordOfOwner,
    spends: true,
  },
  ...apiKeyRequests,
  ...factorRequests,
  ...passkeyRequests,
  ...mailRequests,
  'POST /api/v1/password/strength': { body: () => ({ password }) },
  'POST /api/v1/step-up/options': { body: withoutFactors },
  'POST /api/v1/step-up': {
    body: async occasion => {
      await withoutFactors(occasion)
      return { password }
    },
    spends: true,
  },
  'POST /api/v1/refresh': {
    body: ({ sender: { refresh } }) => refresh && { refresh_token: refresh },
    spends: true,
  },
  'POST /api/v1/logout': {
    body: ({ of, sender: { refresh } }) =>
      of === 'access token' ? undefined : refresh && { refresh_token: refresh },
    spends: true,
  },
  'PATCH /api/v1/me': { body: () => ({ fields: { display_name: 'Ann' } }) },
  'DELETE /api/v1/me': { spends: true },
  'PUT /api/v1/me/password': {
    body: () => ({ current_password: password, new_password: password }),
    spends: true,
  },
  'POST /api/v1/me/known-devices/undo': {
    body: async occasion => {
      await withoutFactors(occasion)
      const { t, sender } = occasion
      return { undo_token: sender.id === undefined ? 'none' : await giveUndo(t.engine, sender.id) }
    },
  },
  'DELETE /api/v1/sessions': { spends: true },
  'DELETE /api/v1/sessions/:id': { spends: true },
  'GET /api/v1/users': { query: page },
  'POST /api/v1/users': {
    body: ({ of }) => ({ ...registration(), ...(of === 'with roles' && { roles: ['moderator'] }) }),
  },
  'GET /api/v1/posts': { query: { ...page, user_id: unknownId } },
  'POST /api/v1/posts': { body: () => ({ title: 'New', content: 'Text', published: true }) },
  'PUT /api/v1/posts/:id': { body: () => ({ title: 'Other', content: 'Text', published: true }) },
  'GET /api/v1/todos': { query: page },
  'POST /api/v1/todos': { body: () => ({ title: 'New', done: false }) },
  'PUT /api/v1/todos/:id': { body: () => ({ title: 'Other', done: true }) },
  'GET /api/v2/posts': {
    query: cursorPage(
      ['posts', 'title', { q: 'a', author: unknownId }],
      { key: 'b', id: unknownId },
      { q: 'a', author: unknownId },
    ),
  },
  'POST /api/v2/posts': { body: () => ({ title: 'New', content: 'Text', published: true }) },
  'PATCH /api/v2/posts/:id': {
    body: () => ({ title: 'Other', content: 'Text', published: true }),
    headers: anyVersion,
  },
  'GET /api/v2/todos': {
    query: cursorPage(
      ['todos', 'due_at', { done: false, dueBefore: due }],
      { key: 0, id: unknownId },
      { done: 'false', due_before: toTimestamp(due) },
    ),
  },
  'POST /api/v2/todos': { body: () => ({ title: 'New', done: false, due_at: toTimestamp(due) }) },
  'PATCH /api/v2/todos/:id': {
    body: () => ({ title: 'Other', done: true, due_at: toTimestamp(due) }),
    headers: anyVersion,
  },
}
