import { accountWalk } from './account.ts'
import { forbiddenWalk, serverWalk, usersWalk } from './administration.ts'
import { factorsWalk, notMeWalk } from './factors.ts'
import { settledWalk, strangersWalk } from './strangers.ts'
import type { Walk } from './walk.ts'

/** Between them they stop at every view of the console, and at what a view shows besides. */
export const walks = {
  factors: factorsWalk,
  users: usersWalk,
  strangers: strangersWalk,
  server: serverWalk,
  account: accountWalk,
  'not me': notMeWalk,
  settled: settledWalk,
  forbidden: forbiddenWalk,
} as const satisfies Readonly<Record<string, Walk>>
