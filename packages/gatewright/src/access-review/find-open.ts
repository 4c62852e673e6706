import { day } from '../ground/clock.ts'
import { toInvited } from '../sign-in/invitation.ts'
import type { Found, Looking } from './finding.ts'

const most = 1_000
/** A session that is older has outlived what most people think of as signed in. */
const longSession = 90 * day
/** Of the seven days that an invitation is open. */
const longInvitation = 3 * day

/** Sessions that go on after so long. */
export const findSessions = async ({ db, now }: Looking): Promise<Found> => {
  const rows = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select([
      'sessions.id',
      'sessions.user_id',
      'sessions.created_at',
      'sessions.last_used_at',
      'sessions.expires_at',
      'users.username',
    ])
    .where('sessions.ended_at', 'is', null)
    .where('sessions.created_at', '<', now - longSession)
    .orderBy('sessions.created_at')
    .orderBy('sessions.id')
    .limit(most + 1)
    .execute()
  const findings = rows.slice(0, most).flatMap(row =>
    row.expires_at <= now
      ? []
      : [
          {
            kind: 'lasting-session' as const,
            subject: { kind: 'session' as const, id: row.id, name: '' },
            owner: { kind: 'user' as const, id: row.user_id, name: row.username },
            granted: [],
            since: row.created_at,
            lastUsedAt: row.last_used_at,
            endsAt: row.expires_at,
          },
        ],
  )
  return { findings, more: rows.length > most ? ['lasting-session'] : [] }
}

/** Invitations that somebody has not followed for so long. Whom they are for is nobody's business here. */
export const findInvitations = async ({ db, now }: Looking): Promise<Found> => {
  const rows = await db
    .selectFrom('codes')
    .leftJoin('users', 'users.id', 'codes.user_id')
    .select([
      'codes.id',
      'codes.data',
      'codes.created_at',
      'codes.expires_at',
      'codes.user_id',
      'users.username',
    ])
    .where('codes.purpose', '=', 'invitation')
    .where('codes.created_at', '<', now - longInvitation)
    .where('codes.expires_at', '>', now)
    .orderBy('codes.id')
    .limit(most + 1)
    .execute()
  const findings = rows.slice(0, most).map(row => ({
    kind: 'open-invitation' as const,
    subject: { kind: 'invitation' as const, id: row.id, name: '' },
    ...(row.user_id !== null && {
      owner: { kind: 'user' as const, id: row.user_id, name: row.username ?? '' },
    }),
    granted: toInvited({ data: JSON.parse(row.data) }).roles,
    since: row.created_at,
    endsAt: row.expires_at,
  }))
  return { findings, more: rows.length > most ? ['open-invitation'] : [] }
}
