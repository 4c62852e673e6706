/**
 * Many audit events as a system that is used leaves them, written by SQL that both databases take: six in ten are
 * refreshes, and of some there are few. A user has a thousandth of them, an address a five-thousandth.
 */
const eventOf = `case when i % 10 < 6 then 'session.refreshed' when i % 10 < 8 then 'session.started'
  when i % 10 = 8 then 'sign-in.failed' when i % 5000 = 9 then 'refresh-token.reused' else 'session.ended' end`
const reasonOf = `case when i % 10 = 8 then 'wrong_password' when i % 5000 = 9 then null when i % 3000 = 19 then 'idle'
  when i % 10 = 9 then 'logout' end`

/** An event each second, the last of them now. */
export const addManyEvents = async (
  run: (sql: string) => Promise<unknown>,
  { count, now }: { readonly count: number; readonly now: number },
): Promise<void> => {
  const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})`
  await run(`insert into audit_events
    (at, event, user_id, actor, session_id, request_id, reason, details, commitments) ${numbers}
    select ${now} - (${count} - i) * 1000, ${eventOf}, 'user-' || (i % 1000),
      case when i % 10 = 9 then 'user-' || (i % 50) else 'user-' || (i % 1000) end,
      'session-' || (i % 100000), 'request-' || i, ${reasonOf}, '{}', '{}' from n`)
  await run(`insert into audit_personal (event_id, at, salt, address, details)
    select id, at, 'salt', '10.0.' || (id % 50) || '.' || (id % 100), '{}' from audit_events
    where request_id like 'request-%'`)
}

/** One of each filter, and the newest page. */
export const auditSearches: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the newest page': {},
  'by user': { user: 'user-77' },
  'by a user who did much to others': { user: 'user-9' },
  'by a frequent event': { event: 'session.started' },
  'by refreshes': { event: 'session.refreshed' },
  'by a rare event': { event: 'refresh-token.reused' },
  'by the beginning of an event': { event: 'session.' },
  'by time, long ago': { from: '2026-11-20T00:00:00Z', until: '2026-11-20T12:00:00Z' },
  'by address': { address: '10.0.27.77' },
  'by session': { session: 'session-77' },
  'by request': { request: 'request-77' },
  'by a frequent reason': { reason: 'logout' },
  'by a rare reason': { reason: 'idle' },
  'by nothing that is there': { user: 'nobody-at-all' },
}
