import { sql } from 'kysely'

/**
 * The due time as a key to sort by: what has none stands behind everything else, upwards and downwards. The
 * numbers stand in the text, because an index serves only the very expression that it was made of.
 */
export const dueUpwards = sql<number>`coalesce(due_at, 9007199254740991)`
export const dueDownwards = sql<number>`coalesce(due_at, -1)`
