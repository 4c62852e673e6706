import { longestOverlap } from '../administration/rotate-api-key.ts'
import { type KeyState, stateOf } from '../api-keys/key-rows.ts'
import { toList } from '../api-keys/known-keys.ts'
import type { Engine } from '../compose.ts'
import { parseTimestamp, second, toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { ApiKeyRow } from '../storage/tables.ts'
import { beginningOf } from '../tokens/api-key.ts'
import {
  anyText,
  givenName,
  list,
  madeUpId,
  named,
  orNothing,
  strictObject,
  text,
  textOrNull,
  timestamp,
} from './schemas.ts'

const states = ['live', 'replaced', 'expired', 'ended'] as const satisfies readonly KeyState[]

export const keyProperties = {
  id: anyText,
  /** By which its owner knows it again. */
  prefix: anyText,
  name: anyText,
  permissions: list(anyText),
  allowed_addresses: list(anyText),
  state: { enum: states },
  created_at: timestamp,
  expires_at: textOrNull,
  last_used_at: textOrNull,
  last_used_address: textOrNull,
  replaced_by: textOrNull,
  ended_at: textOrNull,
  end_reason: textOrNull,
} as const

export const keySchema = named('ApiKey', strictObject(keyProperties))
/** The key stands here, and nowhere else again. */
export const madeKeySchema = named('NewApiKey', strictObject({ ...keyProperties, key: anyText }))

export const newKeyBody = strictObject(
  {
    name: givenName(100),
    permissions: { ...list(text(1, 64)), maxItems: 100 },
    expires_at: { type: ['string', 'null'], format: 'date-time' },
    allowed_addresses: { ...list(text(1, 64)), maxItems: 100 },
  },
  ['expires_at', 'allowed_addresses'],
)

export const keyExample = {
  id: madeUpId,
  prefix: `gwk_${madeUpId.slice(0, 12)}`,
  name: 'nightly report',
  permissions: ['posts:write', 'todos:read'],
  allowed_addresses: ['192.0.2.0/24'],
  state: 'live',
  created_at: '2026-11-22T12:00:00.000Z',
  expires_at: '2027-11-22T12:00:00.000Z',
  last_used_at: null,
  last_used_address: null,
  replaced_by: null,
  ended_at: null,
  end_reason: null,
} as const

export const madeKeyExample = { ...keyExample, key: 'gwk_…' } as const

const overlap = { type: 'integer', minimum: 0, maximum: longestOverlap / second } as const
export const rotationBody = orNothing(strictObject({ overlap }, ['overlap']))
export const rotatedSchema = named(
  'RotatedApiKey',
  strictObject({ ...keyProperties, key: anyText, replaces: anyText, replaced_ends_at: timestamp }),
)

export const rotatedExample = {
  body: { overlap: 3600 },
  answer: { ...madeKeyExample, replaces: madeUpId, replaced_ends_at: '2026-11-22T13:00:00.000Z' },
}

export const newKeyExample = {
  name: keyExample.name,
  permissions: keyExample.permissions,
  expires_at: keyExample.expires_at,
  allowed_addresses: keyExample.allowed_addresses,
} as const

/** What may be shown of a key: its hash is nobody's business. */
export const toKeyView = ({ keyUses, clock }: Pick<Engine, 'keyUses' | 'clock'>, stored: ApiKeyRow) => {
  const row = keyUses.withLastUse(stored)
  return {
    id: row.id,
    prefix: beginningOf(row.id),
    name: row.name,
    permissions: [...toList(row.permissions)],
    allowed_addresses: [...toList(row.allowed_addresses)],
    state: stateOf(row, clock.now()),
    created_at: toTimestamp(row.created_at),
    expires_at: toTimestampOrNull(row.expires_at),
    last_used_at: toTimestampOrNull(row.last_used_at),
    last_used_address: row.last_used_at === null ? null : row.address,
    replaced_by: row.replaced_by,
    ended_at: toTimestampOrNull(row.ended_at),
    end_reason: row.end_reason,
  }
}

/** @throws Refusal `validation_failed` */
const readExpiry = (text: string | null): number | null => {
  if (text === null) return null
  const time = parseTimestamp(text)
  if (time !== undefined) return time
  const message = 'must be a time such as 2027-11-22T12:00:00Z'
  throw new Refusal('validation_failed', { errors: [{ path: '/expires_at', message }] })
}

type Body = {
  readonly name: string
  readonly permissions: readonly string[]
  readonly expires_at?: string | null
  readonly allowed_addresses?: readonly string[]
}

export const toNewKey = ({ name, permissions, expires_at, allowed_addresses = [] }: Body) => ({
  name,
  permissions,
  expiresAt: readExpiry(expires_at ?? null),
  allowedAddresses: allowed_addresses,
})
