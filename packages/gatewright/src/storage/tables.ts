import type { Generated, Insertable, Kysely, Selectable, Transaction } from 'kysely'

/** Times are milliseconds since 1970; secrets are hashed or sealed; ids are opaque text. */
export type Tables = {
  installation: InstallationTable
  processes: ProcessesTable
  setup_links: SetupLinksTable
  users: UsersTable
  user_roles: UserRolesTable
  declared_roles: DeclaredRolesTable
  declared_permissions: DeclaredPermissionsTable
  declared_role_permissions: RolePermissionsTable
  sessions: SessionsTable
  cut_offs: CutOffsTable
  signing_keys: SigningKeysTable
  audit_events: AuditEventsTable
  audit_personal: AuditPersonalTable
  audit_seals: AuditSealsTable
  audit_checkpoints: AuditCheckpointsTable
  audit_keys: AuditKeysTable
  audit_prunings: AuditPruningsTable
  audit_deliveries: AuditDeliveriesTable
  reserved_usernames: ReservedUsernamesTable
  declared_hooks: DeclaredHooksTable
  hook_events: HookEventsTable
  idempotency_keys: IdempotencyKeysTable
  leases: LeasesTable
  housekeeping: HousekeepingTable
  limit_counters: LimitCountersTable
  sign_in_throttles: SignInThrottlesTable
  known_devices: KnownDevicesTable
  codes: CodesTable
  mails: MailsTable
  passkeys: PasskeysTable
  totp_factors: TotpFactorsTable
  totp_enrolments: TotpEnrolmentsTable
  recovery_codes: RecoveryCodesTable
  roles: RolesTable
  role_permissions: RolePermissionsTable
  api_keys: ApiKeysTable
  identities: IdentitiesTable
  blocked_issuers: BlockedIssuersTable
  statistics_minutes: StatisticsMinutesTable
  statistics_hours: StatisticsHoursTable
  permission_uses: PermissionUsesTable
  sign_in_marks: SignInMarksTable
  unusual: UnusualTable
}

/** One row: what is true of this database as a whole. */
type InstallationTable = {
  id: 1
  /** Made anew with every new database, so that two can be told apart. */
  epoch: string
  /** The secret that values are made with: the newest that every live process holds. */
  secret_id: string
  /** Set once, in the transaction that makes the first administrator. */
  first_administrator_at: number | null
  created_at: number
  /** The algorithm of the next signing key, as the last start of a server asked for; null before the first. */
  token_algorithm: Generated<string | null>
  /** PostgreSQL: the server and the database on it, so that a copy elsewhere can be told from it. */
  identity: Generated<string | null>
  /** PostgreSQL: another one after each fail-over. */
  timeline: Generated<string | null>
  /** Before it nobody noted which permissions were used. */
  uses_noted_since: Generated<number | null>
}

/** One row for each process that works on this database, as long as it counts as live. */
type ProcessesTable = {
  id: string
  /** `server` or `command`. */
  kind: string
  version: string
  /** The machine's name, for people; `machine` tells machines apart. */
  host: string
  machine: string
  /** Ids of the secrets that it holds, newest first, space-separated. */
  secret_ids: string
  /** The secret that a value which it has under way may be made with. */
  makes_with: string
  /** Kinds of cut-off that it knows, space-separated. */
  feed_kinds: string
  /** How far its machine's clock is from the database's, in milliseconds; null where that is the same clock. */
  clock_difference: number | null
  /** What its requests show to be wrong in the list of trusted proxies. */
  address_trouble: string | null
  started_at: number
  seen_at: number
}

/** One row at most: the set-up link that is open. */
type SetupLinksTable = { id: 1; token_hash: string; expires_at: number }

type UsersTable = {
  id: string
  username: string
  username_key: string
  email: string | null
  email_key: string | null
  email_verified_at: number | null
  password_hash: string | null
  /** Raised by every event that ends more than its own session. */
  version: number
  disabled_at: number | null
  created_at: number
  /** JSON object: the application's own fields. */
  fields: Generated<string>
  /** Where it is set, the row only keeps the id from being given again; all that was personal is erased. */
  deleted_at: Generated<number | null>
  /** The language of mail to this user (`users/locale.ts`). */
  locale: Generated<string>
  /** 1 where the password is too short, or too easily guessed, to be the only proof; else 0. */
  password_needs_factor: Generated<number>
  /** 1 from a reset of the password until its owner has looked at what outlived that; else 0. */
  review_due: Generated<number>
  /** `user`, a person who can sign in, or `service`, which has no password. */
  kind: Generated<string>
  /** 1 where an administrator asked for a new password, and none was set since; else 0. */
  password_change_due: Generated<number>
  /** Of one that was taken away, until another is set: it opens nothing, and is not chosen again. */
  former_password_hash: Generated<string | null>
  /** What a service is for. */
  description: Generated<string | null>
}

type UserRolesTable = {
  user_id: string
  role: string
  /** Null where a former version gave it. */
  granted_at: Generated<number | null>
}

/** The application's own roles, as its last start declared them. What they allow stands beside them, for processes without its code. */
type DeclaredRolesTable = {
  name: string
  /** 1 where the role holds an administrative permission, else 0. */
  is_administrative: number
}

/** The application's own permissions, as its last start declared them. */
type DeclaredPermissionsTable = { name: string; allows: string }

type SessionsTable = {
  id: string
  user_id: string
  /** The user's version when the session began. */
  user_version: number
  /** The live refresh generation, and since when it is live. */
  generation: number
  generation_since: number
  /** Random value of the session that the MAC of its refresh tokens depends on. */
  refresh_key: string
  /**
   * The secret that the token of the live generation is made with. Null where a cookie holds the session;
   * otherwise the session is of a version that did not note it.
   */
  secret_id: string | null
  /** The secret of the generation before, where it was another one. */
  former_secret_id: string | null
  /** Hash of the cookie's secret; only a session that a cookie holds has one, and that has no refresh token. */
  secret_hash: string | null
  /** Proofs shown at sign-in, space-separated (RFC 8176). */
  amr: string
  auth_time: number
  /** The User-Agent of the sign-in, as it was sent. */
  device: string
  /** As known at the last use. */
  address: string
  created_at: number
  last_used_at: number
  /** The absolute end. */
  expires_at: number
  /** The latest `exp` ever promised to an access token of this session. */
  token_expires_at: number
  ended_at: number | null
  end_reason: string | null
  /** The session that goes on in this one's place, where it was renewed. */
  replaced_by: string | null
  /** The browser that it was begun with, where that is known from now on. */
  known_device_id: string | null
}

type CutOffsTable = {
  place: Generated<number>
  kind: string
  subject: string
  /** Only for a kind that names all of something: what was born below this version is ended. */
  version: number | null
  matters_until: number
  created_at: number
}

type SigningKeysTable = {
  kid: string
  /** As the `alg` of a token writes it. */
  algorithm: string
  /** `published`, `active`, `retired` or `gone`: one published and one active at most. */
  state: string
  /** JWK for whoever reads the table; nothing is verified with it. */
  public_key: string
  /** Sealed JWK; empty once the key is gone. */
  private_key: string
  /** When it was made, which is when it was published. */
  created_at: number
  activated_at: Generated<number | null>
  retired_at: Generated<number | null>
  gone_at: Generated<number | null>
  revoked_at: Generated<number | null>
  /** When somebody asked that this active key be followed by the next one. */
  rotation_asked_at: Generated<number | null>
  /** The longest ACCESS_TOKEN_TTL, in milliseconds, of any process that may have signed with it. */
  token_ttl: Generated<number>
}

type AuditEventsTable = {
  id: Generated<number>
  at: number
  event: string
  /** The user whose account it concerns. */
  user_id: string | null
  /** Who did it: a user's id, `command-line` or `system`; null where nobody was known. */
  actor: string | null
  session_id: string | null
  /** Only of rows that a version before 0.2 has written during a roll-out. */
  address: Generated<string | null>
  request_id: string | null
  /** A stable id. */
  reason: string | null
  /** JSON object of what is about nobody. */
  details: string
  /** JSON object: to each personal field its commitment (audit/commitments.ts). */
  commitments: Generated<string>
  /** The API key by which the actor acted. */
  api_key_id: Generated<string | null>
}

/** What can be erased of an event, with the salt of its commitments. */
type AuditPersonalTable = {
  event_id: number
  /** As the event has it. */
  at: number
  salt: string
  address: string | null
  /** JSON object. */
  details: string
}

/** The chain of audit events: their places in it (`sealing/sealer.ts`). Rows are only ever added. */
type AuditSealsTable = {
  position: number
  event_id: number
  /** Of the event, its position and the hash before (`audit/canonical.ts`). */
  hash: string
  previous_hash: string
}

/** What was signed of the chain (`audit/checkpoint.ts`). */
type AuditCheckpointsTable = {
  id: Generated<number>
  position: number
  hash: string
  at: number
  /** `checkpoint`, or `beginning` where everything up to the position was pruned. */
  kind: string
  key_id: string
  signature: string
}

/** Keys that sign checkpoints, and nothing else. */
type AuditKeysTable = {
  id: string
  /** Ed25519, the 32 bytes in base64url. */
  public_key: string
  /** Sealed; empty once the key is retired. */
  private_key: string
  /** 1 for the one that signs, else null. */
  active: number | null
  created_at: number
  retired_at: number | null
}

/** Prefixes of the chain that may be deleted, or are: `hash` is the one of the last position. */
type AuditPruningsTable = {
  id: Generated<number>
  from_position: number
  to_position: number
  hash: string
  at: number
}

/** Checkpoints on their way to where `AUDIT_ANCHOR` says. */
type AuditDeliveriesTable = {
  checkpoint_id: number
  attempts: number
  /** When it may be taken: while a process has it, the end of the lease; after a failure, the next attempt. */
  due_at: number
  problem: string | null
  delivered_at: number | null
}

/** Names of deleted users, by the SHA-256 of their `username_key`, and until when nobody else gets them. */
type ReservedUsernamesTable = { username_hash: string; until: number }

/** The hooks for which the application has a handler: only for these are events queued. */
type DeclaredHooksTable = { name: string }

type HookEventsTable = {
  id: Generated<number>
  name: string
  user_id: string
  at: number
  /** JSON object: what belongs to the event beside its user. */
  details: string
  attempts: number
  /** When it may be taken: while a handler has it, the end of the lease; after a failure, the next attempt. */
  due_at: number
}

/** One row for each key that a principal used on a route, in the transaction of the effect it stands for. */
type IdempotencyKeysTable = {
  principal_kind: string
  principal_id: string
  /** Method and pattern. */
  route: string
  key: string
  /** Of everything that the request asks for. */
  request_hash: string
  /** JSON of the stored answer; null only inside the transaction that makes it. */
  answer: string | null
  created_at: number
}

/** Work that one process at a time does: its holder raises `beat` while it is at it. */
type LeasesTable = { name: string; holder: string | null; beat: number }

/** When each task of housekeeping was last done. */
type HousekeepingTable = {
  task: string
  ran_at: number
  /** The last time at which it came to its end. */
  succeeded_at: number | null
  /** Rows, of all times. */
  worked_off: number
}

/** How far keys of limits have come that all processes count together. */
type LimitCountersTable = {
  /** Keyed hash of the row's name and of whom it counts. */
  key: string
  /** See `limits/gcra.ts`: microseconds since 1970, not milliseconds. */
  tat: number
}

/** Sign-ins that were tried, by what was guessed at (`sign-in/throttle-keys.ts`). */
type SignInThrottlesTable = {
  key: string
  /** In a row, counted before they were checked. */
  wrong: number
  /** Before it nothing more is checked. */
  open_at: number
  /** What is left of the reserve, as a time (`limits/gcra.ts`). */
  tat: number
  forgotten_at: number
}

/** One row for each browser that a user has signed in with. */
type KnownDevicesTable = {
  id: string
  user_id: string
  /** Hash of the secret in the browser's cookie; users of one browser share it. */
  secret_hash: string
  created_at: number
  last_used_at: number
}

/** Codes and links that are open (`codes/codes.ts`): one that was used has no row. */
type CodesTable = {
  id: string
  /** See `codes/purposes.ts`. */
  purpose: string
  /** SHA-256 of 256 random bits. */
  secret_hash: string
  user_id: string | null
  /** The session that it belongs to. */
  session_id: string | null
  /** Whom it was sent to, where that is no user yet. */
  address_key: Generated<string | null>
  /** JSON object, without secrets. */
  data: string
  attempts: number
  created_at: number
  expires_at: number
}

/** Mail that waits, or was sent (`mail/queue.ts`). */
type MailsTable = {
  /** Also what the Message-ID is made of: the same for every attempt. */
  id: string
  /** For people; says nothing of whom it goes to. */
  kind: string
  /** Whose mail it is, where that is known: it is erased with its user. */
  user_id: string | null
  /** Sealed JSON: the recipient, and what the text is made of. Empty once nothing is to be sent any more. */
  content: string
  attempts: number
  /** When it may be taken: while a process has it, the end of the lease; after a failure, the next attempt. */
  due_at: number
  created_at: number
  /** What the last attempt failed by: a code, without an address. */
  problem: string | null
  sent_at: number | null
  given_up_at: number | null
  /** When the row is deleted; null as long as the mail waits. */
  forgotten_at: number | null
}

/** Keys by which users sign in, and prove who they are, without a secret of ours (WebAuthn). */
type PasskeysTable = {
  id: string
  user_id: string
  /** As the authenticator names it, in base64url; unique. */
  credential_id: string
  /** 64 random bytes in base64url, the same for all passkeys of a user: all that an authenticator keeps of the user's id. */
  user_handle: string
  /** COSE key in base64url. */
  public_key: string
  /** How often it was used, by its own count; 0 for ever where it counts nothing. */
  counter: number
  /** Space-separated, as the browser told. */
  transports: string
  /** 1 where it may exist on several devices, else 0; it never changes. */
  backup_eligible: number
  /** 1 where it was so at its last use, else 0. */
  backed_up: number
  /** The kind of authenticator, as it says itself: a UUID, often only zeros. */
  aaguid: string
  name: string
  created_at: number
  last_used_at: number | null
  /** When its counter went back: there are two of it, and neither is taken any more. */
  cloned_at: number | null
}

/** One authenticator app of a user at most. */
type TotpFactorsTable = {
  id: string
  user_id: string
  /** Sealed for the id. */
  secret: string
  /** The last time step of which a code was taken: none before it is ever taken again. */
  last_step: number
  created_at: number
  last_used_at: number
}

/** An authenticator app that a session was shown the secret of, and that has shown no code yet. */
type TotpEnrolmentsTable = {
  session_id: string
  user_id: string
  /** Sealed for the id of the session. */
  secret: string
  expires_at: number
}

/** Recovery codes that were not used: one that was has no row. */
type RecoveryCodesTable = {
  /** SHA-256 of 120 random bits. */
  code_hash: string
  user_id: string
  created_at: number
}

/** Roles that administrators made at run time. */
type RolesTable = { name: string; description: string; created_at: number; changed_at: number }

type RolePermissionsTable = { role: string; permission: string }

/** Keys of users and services (`api-keys/api-keys.ts`). */
type ApiKeysTable = {
  id: string
  /** The user or service that it belongs to. */
  user_id: string
  name: string
  /** SHA-256 of 256 random bits. */
  secret_hash: string
  /** What it may do at most, space-separated; it never may more than its owner may. */
  permissions: string
  /** Addresses and networks that it is taken from, space-separated; empty: from everywhere. */
  allowed_addresses: string
  created_at: number
  /** Null: it never expires. */
  expires_at: number | null
  last_used_at: number | null
  /** As known at the last use. */
  address: string
  /** The key that was made in its place; it goes on until it expires. */
  replaced_by: string | null
  /** The user who made it; null for the command line. */
  made_by: Generated<string | null>
  /** 1 where that session had shown a second factor: administrative permissions may ask for it. */
  has_factor: Generated<number>
  /** When its owner was told that it expires soon. */
  reminded_at: number | null
  ended_at: number | null
  end_reason: string | null
}

/** Whom a subject of another issuer is here: it speaks for nobody else. */
type IdentitiesTable = { issuer: string; subject: string; user_id: string; created_at: number }

/** Issuers of which no token is taken, whatever the settings say. */
type BlockedIssuersTable = { issuer: string; blocked_at: number }

/** What was counted, each from 0. */
type StatisticsColumns = {
  requests: number
  refused: number
  limited: number
  errors: number
  sign_ins: number
  failed_sign_ins: number
  second_factors_failed: number
  refreshes: number
  reuses: number
  ended_sessions: number
  unusual: number
}

/** What one process counted in a minute, written once and never changed. */
type StatisticsMinutesTable = StatisticsColumns & {
  /** Made anew by each process at its start. */
  process: string
  /** Counted up by the process: what is written twice is there once. */
  batch: number
  /** When the minute began. */
  start: number
}

/** What all processes counted in an hour that began then. */
type StatisticsHoursTable = StatisticsColumns & { start: number }

/** The last day on which a permission was used. */
type PermissionUsesTable = {
  /** `user`, `api-key`, or the `role` that it was held by. */
  holder_kind: string
  holder_id: string
  permission: string
  /** Its beginning, in UTC. */
  last_day: number
}

/** What failed sign-ins from devices that are not known have in common, and networks of administrators (`unusual/`). */
type SignInMarksTable = {
  /** What is counted for: a user's id, or a keyed hash. */
  subject: string
  pattern: string
  /** What is told apart of it: an hour, or a keyed hash of whom it was tried at, or a network. */
  mark: string
  count: number
  forgotten_at: number
}

/** When a pattern was last seen in the sign-ins of somebody, or of something. */
type UnusualTable = {
  /** A user's id, or a keyed hash. */
  subject: string
  pattern: string
  raised_at: number
  /** The time before that. */
  former_at: number | null
}

export type Database = Kysely<Tables>
export type AuditEventRow = Selectable<AuditEventsTable>
export type ApiKeyRow = Selectable<ApiKeysTable>
export type DatabaseTransaction = Transaction<Tables>
export type InstallationRow = Selectable<InstallationTable>
export type UserRow = Selectable<UsersTable>
export type SessionRow = Selectable<SessionsTable>
export type NewSessionRow = Insertable<SessionsTable>
export type CutOffRow = Selectable<CutOffsTable>
export type HookEventRow = Selectable<HookEventsTable>
export type HousekeepingRow = Selectable<HousekeepingTable>
export type TotpFactorRow = Selectable<TotpFactorsTable>
export type CodeRow = Selectable<CodesTable>
export type MailRow = Selectable<MailsTable>
export type PasskeyRow = Selectable<PasskeysTable>
export type ProcessRow = Selectable<ProcessesTable>
export type SigningKeyRow = Selectable<SigningKeysTable>
