import { anyOf, ownSession, permission } from 'gatewright/access'
import { toTimestamp } from 'gatewright/clock'
import { anyText, flag, madeUpId, named, strictObject, text, timestamp } from 'gatewright/schemas'
import { everyKind } from '../audience.ts'
import type { TodoRow } from '../tables.ts'

export const title = text(1, 500)

export const todoSchema = named(
  'Todo',
  strictObject({
    id: anyText,
    title: anyText,
    done: flag,
    created_at: timestamp,
    updated_at: timestamp,
  }),
)

export const todoExample = {
  id: madeUpId,
  title: 'Milk',
  done: false,
  created_at: '2026-11-21T12:00:00.000Z',
  updated_at: '2026-11-21T12:00:00.000Z',
}

export const toTodo = (row: TodoRow) => ({
  id: row.id,
  title: row.title,
  done: row.done === 1,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
})

/** What every route of todos declares. */
export const common = { principals: everyKind, audit: 'none' } as const
/** Whoever is signed in has todos; what acts for somebody needs the permission. */
export const reads = anyOf(ownSession(), permission('todos:read'))
export const writes = anyOf(ownSession(), permission('todos:write'))
