import { parseSync } from 'oxc-parser'
import type { Sources } from './sources.ts'

const engine = 'packages/gatewright/src'

/** Statements about users that may stand without saying so, each by a word of it, and why. */
const exceptions: Readonly<Record<string, readonly [text: string, why: string]>> = {
  [`${engine}/users/users.ts`]: ['const selectLocked = ', 'only lockUser runs it, which says so'],
  [`${engine}/users/insert-for-user.ts`]: ['const insertForUser = ', 'one statement of an application'],
  [`${engine}/sign-in/check-password.ts`]: [
    'const rehash = ',
    'one statement, in no transaction with others',
  ],
  [`${engine}/sign-in/own-password.ts`]: ['confirmAndChange(', 'it holds the user before it runs the change'],
}

const isWrite = /\.(updateTable|insertInto|deleteFrom|mergeInto)\(\s*'users'/
const isLock =
  /\.selectFrom\(\s*'users'(?:(?!\.selectFrom\()[\s\S])*?\.for(NoKeyUpdate|Update|Share|KeyShare)\(/

/**
 * Functions that write or lock rows of users without saying so first (`beforeLock`), so that a transaction
 * which locks in another order than the others would not be noticed. A table that is named at run time is
 * not seen.
 */
export const findUserLockFaults = (sources: Sources): readonly string[] =>
  [...sources]
    .filter(([path]) => path.startsWith(engine) && !/\.test\.ts$|\/migrations\//.test(path))
    .flatMap(([path, text]) =>
      parseSync(path, text).program.body.flatMap(({ start, end }) => {
        const statement = text.slice(start, end)
        if (!isWrite.test(statement) && !isLock.test(statement)) return []
        const [allowed] = exceptions[path] ?? []
        if (/\bbeforeLock\('user'\)/.test(statement) || (allowed && statement.includes(allowed))) return []
        const line = text.slice(0, start).split('\n').length
        return [`${path}:${line} takes rows of users: call beforeLock('user') first`]
      }),
    )
