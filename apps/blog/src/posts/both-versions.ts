import { anyOf, owner, permission, visible } from 'gatewright/access'
import { toTimestamp } from 'gatewright/clock'
import { anyText, flag, strictObject, text, timestamp } from 'gatewright/schemas'
import { everyKind } from '../audience.ts'
import type { PostRow } from '../tables.ts'

export const title = text(1, 200)
/** A page of a list holds a hundred posts at most, so this bounds what one request can ask for. */
export const content = text(0, 20_000)

export const postSchema = strictObject({
  id: anyText,
  user_id: anyText,
  title: anyText,
  content: anyText,
  published: flag,
  created_at: timestamp,
  updated_at: timestamp,
})

export const toPost = (row: PostRow) => ({
  id: row.id,
  user_id: row.author_id,
  title: row.title,
  content: row.content,
  published: row.published === 1,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
})

/** What every route of posts declares. */
export const common = { principals: everyKind, audit: 'none' } as const
export const mayRead = anyOf(visible('post'), owner('post'), permission('posts:moderate'))
export const mayChange = anyOf(owner('post'), permission('posts:moderate'))
