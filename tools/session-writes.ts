import { parseSync, Visitor } from 'oxc-parser'
import type { Sources } from './sources.ts'

const engine = 'packages/gatewright/src'

/** The one function that starts sessions stands here, and it checks what every door has to. */
const starts = `${engine}/sessions/sessions.ts`

/** What may be written into sessions that have ended, and where. */
const intoEnded: Readonly<Record<string, RegExp>> = {
  [starts]: /\.set\(\{ replaced_by: session\.id \}\)/,
  [`${engine}/users/erase-user.ts`]: /\.set\(\{ device: '', address: '' \}\)/,
}

const isWrite = /^(insertInto|updateTable|mergeInto|replaceInto)$/
/** As a text that goes to the database unread by Kysely, or by the function that takes any table. */
const written =
  /\b(insert\s+into|update|merge\s+into|replace\s+into)\s+"?sessions\b|\binsertForUser\([^,]*,\s*'sessions'/i
const notEnded = /\.where\(\s*'(sessions\.)?ended_at',\s*'is',\s*null,?\s*\)/
const ended = /\.where\(\s*'(sessions\.)?ended_at',\s*'is not',\s*null,?\s*\)/

type Chain = { readonly verb: string; readonly table: string; readonly text: string; readonly line: number }

/** Every statement of a file that begins with a verb of writing, as far as its chain of calls goes. */
const listWrites = (path: string, text: string): readonly Chain[] => {
  const ends = new Map<number, number>()
  const found: { readonly verb: string; readonly table: string; readonly start: number }[] = []
  new Visitor({
    CallExpression: ({ start, end, callee, arguments: [table] }) => {
      ends.set(start, Math.max(end, ends.get(start) ?? 0))
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return
      const { name: verb } = callee.property
      if (!isWrite.test(verb) || table === undefined) return
      found.push({ verb, table: text.slice(table.start, table.end), start })
    },
  }).visit(parseSync(path, text).program)
  return found.map(({ start, ...write }) => ({
    ...write,
    text: text.slice(start, ends.get(start)),
    line: text.slice(0, start).split('\n').length,
  }))
}

const faultOf = (path: string, { verb, text }: Chain): string | undefined => {
  if (verb !== 'updateTable')
    return path === starts ? undefined : 'starts a session: call startSession, which every door goes through'
  if (notEnded.test(text)) return undefined
  const isAllowed = ended.test(text) && intoEnded[path]?.test(text)
  return isAllowed
    ? undefined
    : "writes into sessions that may have ended: add .where('ended_at', 'is', null)"
}

const isSource = (path: string): boolean => /^(packages|apps)\//.test(path) && !path.endsWith('.test.ts')

/**
 * What is wrong with the statements of the program that write to sessions: a second place that starts one,
 * and a change that does not say "and not ended". A table that is named at run time is not seen.
 */
export const findSessionWriteFaults = (sources: Sources): readonly string[] =>
  [...sources]
    .filter(([path]) => isSource(path))
    .flatMap(([path, text]) => {
      const chains = listWrites(path, text).filter(({ table }) => table === "'sessions'")
      const faults = chains.map(chain => [chain.line, faultOf(path, chain)] as const)
      const raw = written.exec(text)
      if (raw !== null)
        faults.push([
          text.slice(0, raw.index).split('\n').length,
          'writes to sessions by another way than the builder',
        ])
      if (path === starts && chains.filter(({ verb }) => verb !== 'updateTable').length !== 1)
        faults.push([1, 'starts sessions in more than one statement'])
      return faults.flatMap(([line, fault]) => (fault === undefined ? [] : [`${path}:${line} ${fault}`]))
    })
