import type { RefusalCode } from '../ground/refusal.ts'

/** One line each, in which `…` between backquotes is code and `{mount}` is where the account routes stand. */
export type Advice = {
  /** What happened. */
  readonly means: string
  /** What whoever got the answer does now. */
  readonly todo: string
}

/**
 * What each code means for whoever gets it. The page `/docs/errors` and the tables of
 * docs/troubleshooting.md are made of it; what only whoever runs the server can do stands there.
 */
export const advice = {
  validation_failed: {
    means:
      'A part of the body or of the query is not as the route takes it. `errors` names each one: `path` is the field, `message` what is wrong with it. Fields that the route does not know are refused too.',
    todo: 'Compare with the API reference. A number is not a text: `"1"` is not `1`.',
  },
  malformed_json: {
    means: 'The body is not JSON, has a name twice, or has a `__proto__`.',
    todo: 'Print the body just before it is sent. In a shell, put it between single quotes.',
  },
  malformed_request: {
    means:
      'This is not a request that can be read: a bad `%` in the address, no `Host`, or what is no HTTP at all.',
    todo: 'Look at the address and at the client.',
  },
  password_too_short: {
    means: 'The new password has fewer characters than `errors` names.',
    todo: 'Write a longer one.',
  },
  password_blocklisted: {
    means:
      'The new password is easy to guess, is little more than your own names or those of the service, or stands in a list of stolen ones. `errors` says which, and what would help.',
    todo: 'Choose another one. Several words that do not belong together are easy to remember; nobody asks for digits or signs. `POST {mount}/password/strength` tells beforehand.',
  },
  several_credentials: {
    means:
      'The request has two credentials: `Authorization` twice, `Authorization` and `X-API-Key`, two different refresh tokens, two session cookies, or two `Cookie` headers.',
    todo: 'Send one.',
  },
  invalid_link: {
    means:
      'The link opens nothing: it is not right, was used, is too old, or was ended since. A set-up link is good for 24 hours, an invitation for seven days.',
    todo: 'Ask for a new one: whoever sent the invitation, or whoever runs the server. Of several mails only the newest counts.',
  },
  invalid_credentials: {
    means:
      'The user name or the password is wrong, or the user is disabled, or too many wrong passwords were tried at this user. The answer is the same on purpose.',
    todo: 'Write both once more. Whoever runs the server finds the exact reason by the `request_id`.',
  },
  mfa_required: {
    means:
      'The password was right, and the account has a second factor. `methods` names what can be shown, `mfa_token` stands for this sign-in, for ten minutes. In a step-up there is no `mfa_token`: it takes a second factor in place of the password.',
    todo: '`POST {mount}/login/mfa` with `{"mfa_token": "…", "method": "totp", "code": "…"}`. Its answer is the one that the first request would have had.',
  },
  password_change_required: {
    means:
      'What was shown was right, and the password is to be changed first: an administrator asked for that, or it was enough only beside a second factor that is gone. `password_token` sets a new one, for ten minutes, and is good for nothing else.',
    todo: '`POST {mount}/password/reset` with `{"token": "<password_token>", "new_password": "…"}`: another one than before. Then sign in with it.',
  },
  invalid_mfa_code: {
    means:
      'The code is wrong, was used already, or is of another time than now; or the `mfa_token` is over: used, older than ten minutes, tried five times, or ended by a change of the account. The answer is the same on purpose.',
    todo: 'Wait for the next code of the app, and look at the clock of the device. With `attempts_left` of 0, or none, sign in with the password again. A recovery code works once.',
  },
  invalid_token: {
    means: 'There is no token, or it is none that this server made.',
    todo: 'Send `Authorization: Bearer …` with the access token, whole. A refresh token belongs to `POST {mount}/refresh` only.',
  },
  token_expired: {
    means: 'The access token has reached its end. That ends no session.',
    todo: 'Send the refresh token to `POST {mount}/refresh`, and the request once more with the new access token.',
  },
  session_ended: {
    means:
      'The session has ended, and with it all its tokens. Where what was shown is proven to be one of ours, `reason` says why, such as `password_changed`, and `ended_at` when.',
    todo: 'Sign in again. `GET {mount}/me/events` tells what happened to the account.',
  },
  refresh_token_reused: {
    means:
      'An old refresh token was used, later than a retry may come. Somebody may have copied it, so the session was ended.',
    todo: 'Sign in again. If it happens often: store the refresh token of every answer before the next refresh, the last that comes where two were under way, in one place that all tabs and processes read.',
  },
  insufficient_user_authentication: {
    means:
      'The token is right, but the route asks for a recent sign-in; `max_age` in `WWW-Authenticate` says how recent, in seconds.',
    todo: '`POST {mount}/step-up` with `{"password": "…"}`. Go on with the pair from its answer: the former tokens have ended.',
  },
  insufficient_permission: {
    means: 'The caller is known and may not do this.',
    todo: 'The API reference says who may, and `GET {mount}/me` which permissions the caller has. An administrator gives roles.',
  },
  second_factor_required: {
    means:
      'The caller has an administrative permission, and it does not count in this session: `ADMIN_SECOND_FACTOR` asks for a second factor, and this session has not shown one.',
    todo: 'Without a second factor, add one: `POST {mount}/me/totp`. With one, show it: `POST {mount}/step-up`.',
  },
  csrf_failed: {
    means:
      'A request that changes something came with the session cookie, or would set it, and does not show that a page of this site sent it: `Origin` is missing or another one, or `X-CSRF-Token` is missing or belongs to another cookie.',
    todo: 'Open the page at the address of the server: `http://127.0.0.1:3000` is not `http://localhost:3000`. After a sign-in, a step-up or a change of password use the new `csrf_token`; `GET {mount}/sessions/current` tells it at any time. A client that is no browser sends `Origin` itself with a cookie, or better an access token in place of it.',
  },
  not_found: {
    means: 'There is nothing at this address, or nothing that the caller may know of.',
    todo: 'Compare the address with the API reference.',
  },
  method_not_allowed: {
    means: 'The address is right, the method is not.',
    todo: 'The header `Allow` lists the methods.',
  },
  not_acceptable: {
    means: 'The header `Accept` does not allow JSON.',
    todo: 'Send `Accept: application/json`, or leave it out.',
  },
  request_timeout: {
    means: 'The request took too long to arrive: 20 seconds for the head, 60 in all.',
    todo: 'Look at the network, or at a client that waits between parts of the body.',
  },
  username_taken: {
    means: 'Another user has this name, perhaps in other case or in wide letters.',
    todo: 'Choose another.',
  },
  token_stale: {
    means:
      'Only services elsewhere say so, which check tokens with `gatewright-verifier`: the roles of the user have changed since the token was made. Here the new roles count at once.',
    todo: 'Refresh: the new access token has the new roles.',
  },
  session_renewed: {
    means:
      'The session has just gone on under a new id, after a step-up or a change of password, and this is a refresh token or a cookie from before. Not an end: another tab has the new one.',
    todo: 'Read the newest refresh token from where the other tab stored it. With a cookie: `GET {mount}/sessions/current` once more; the browser holds the new cookie already, and the answer has its CSRF token.',
  },
  conflict: {
    means: 'What was asked does not fit the present state; `detail` says why.',
    todo: 'Read the state again.',
  },
  last_administrator: {
    means: 'This would disable the last administrator who can sign in, or take that role away.',
    todo: 'Make another administrator first.',
  },
  precondition_failed: {
    means:
      '`If-Match` names another version than the present one: somebody changed it since you read it. A weak ETag (`W/"…"`) never fits.',
    todo: 'Read it again, put your change on top, and send the new `ETag`.',
  },
  body_too_large: {
    means: 'The body is larger than 256 KiB.',
    todo: 'Send less. This is no setting.',
  },
  unsupported_media_type: {
    means: 'The body is not JSON, or does not say so.',
    todo: "`Content-Type: application/json`. With curl: `-H 'Content-Type: application/json'`, because `-d` alone sends a form.",
  },
  idempotency_key_reused: {
    means:
      'The same `Idempotency-Key` came within 24 hours with another body, on the same route and from the same caller.',
    todo: 'A new key for each thing you want done; the same key only to send the same thing again.',
  },
  precondition_required: {
    means: 'This change must say what it was made from.',
    todo: 'Send `If-Match` with the `ETag` of the last answer, or `If-Match: *` where any version will do.',
  },
  https_required: {
    means:
      'The proxy in front of the server answers so: the request came over plain HTTP, where others can read it.',
    todo: 'Write `https://` in the address that the client uses. A password or token that was sent so is to be changed, or ended.',
  },
  wrong_host: {
    means:
      'The proxy in front of the server answers so: the request names another host than the connection does.',
    todo: 'Use the name that stands in PUBLIC_URL.',
  },
  rate_limited: {
    means: 'Too many requests. `RateLimit-Policy` names the limit.',
    todo: 'Wait as many seconds as `Retry-After` says. Asking on meanwhile can use up other limits.',
  },
  headers_too_large: {
    means: 'The headers are larger than 16 KiB.',
    todo: 'Most often these are cookies of other programs on the same host name: delete them.',
  },
  internal_error: {
    means: 'A mistake of the server, or of the application behind the gate.',
    todo: 'Tell whoever runs the server the `request_id`: it leads to the line of the log that says more.',
  },
  no_answer: {
    means:
      'The proxy in front of the server answers so: the server could not be reached, went away, or took too long. What reads was tried at every server already. The status is 504 where it took too long.',
    todo: 'Ask again. What changes something may have been done: look first, or send it again with the same `Idempotency-Key`.',
  },
  unavailable: {
    means: 'Not now. Nothing was changed.',
    todo: 'Try again after `Retry-After`.',
  },
} as const satisfies Readonly<Record<RefusalCode, Advice>>
