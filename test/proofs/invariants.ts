/**
 * What holds between the rows of a database at any moment, so after any kill as well. Each statement finds
 * the rows that break it; they run on both databases.
 */
export const invariants = [
  {
    says: 'a user has a role',
    sql: `select id from users where not exists (select 1 from user_roles where user_id = users.id)`,
  },
  {
    says: 'a user and the record of where it comes from were written together',
    sql: `select users.id from users left join audit_events on user_id = users.id
          and event in ('user.registered', 'user.created', 'administrator.set-up')
          group by users.id having count(audit_events.id) <> 1`,
  },
  {
    says: 'whoever is recorded as a new user is there',
    sql: `select user_id from audit_events where event in ('user.registered', 'user.created')
          and not exists (select 1 from users where users.id = user_id)`,
  },
  {
    says: 'a session and the record of its beginning were written together',
    sql: `select sessions.id from sessions left join audit_events on session_id = sessions.id
          and event in ('session.started', 'session.renewed')
          group by sessions.id having count(audit_events.id) <> 1`,
  },
  {
    says: 'a session that is recorded is there',
    sql: `select session_id from audit_events where event in ('session.started', 'session.renewed')
          and not exists (select 1 from sessions where sessions.id = session_id)`,
  },
  {
    says: 'every rotation of a refresh token is recorded',
    sql: `select id from sessions where generation - 1 <> (
            select count(distinct details) from audit_events
            where session_id = sessions.id and event = 'session.refreshed' and details <>
            '{"shown":' || sessions.generation || ',"live":' || sessions.generation || '}')`,
  },
  {
    says: 'an ended session has its cut-off',
    sql: `select id from sessions where ended_at is not null
          and not exists (select 1 from cut_offs where kind = 'session' and subject = sessions.id)`,
  },
  {
    says: 'a session that was cut off has ended',
    sql: `select subject from cut_offs where kind = 'session'
          and not exists (select 1 from sessions where id = subject and ended_at is not null)`,
  },
  {
    says: 'the end of a session and its record were written together',
    sql: `select sessions.id from sessions left join audit_events
          on session_id = sessions.id and event = 'session.ended'
          group by sessions.id, ended_at
          having count(audit_events.id) <> case when ended_at is null then 0 else 1 end`,
  },
  {
    says: 'a renewed session has its successor',
    sql: `select id from sessions where (case when end_reason = 'renewed' then 1 else 0 end) <>
          (select count(*) from sessions as next where next.id = sessions.replaced_by)`,
  },
  {
    says: 'a session has one successor at most',
    sql: `select details from audit_events where event = 'session.renewed'
          group by details having count(*) > 1`,
  },
  {
    says: 'the version of a user counts what ended or changed all sessions',
    sql: `select id from users where version - 1 <> (
            select count(*) from audit_events where user_id = users.id
            and event in ('user.password-changed', 'user.roles-changed', 'user.disabled'))`,
  },
  {
    says: 'a change of roles has its cut-off',
    sql: `select id from users where
          (select count(*) from audit_events where user_id = users.id and event = 'user.roles-changed') <>
          (select count(*) from cut_offs where subject = users.id and kind = 'reread-user')`,
  },
  {
    says: 'a disabled user has no live session',
    sql: `select users.id from users join sessions on user_id = users.id
          where disabled_at is not null and ended_at is null`,
  },
  {
    says: 'a user is disabled where that is recorded, with a cut-off',
    sql: `select id from users where (case when disabled_at is null then 0 else 1 end) <>
            (select count(*) from audit_events where user_id = users.id and event = 'user.disabled')
          or (case when disabled_at is null then 0 else 1 end) <>
            (select count(*) from cut_offs where subject = users.id and kind = 'user')`,
  },
  {
    says: 'a post has its author, a todo its owner',
    sql: `select author_id from posts where not exists (select 1 from users where users.id = author_id)
          union all
          select owner_id from todos where not exists (select 1 from users where users.id = owner_id)`,
  },
  {
    says: 'honest clients are not taken for thieves',
    sql: `select id from audit_events where event in ('refresh-token.reused', 'refresh-token.ahead')`,
  },
] as const
