import type { FaultName } from './faults.ts'

/** What is promised, in the words of the account. Each breach is counted, and the first ones are told. */
export const promises = {
  reads: 'reads that failed although no promise allows it',
  writes: 'writes that failed although no fault was in effect',
  lost: 'acknowledged and lost',
  twice: 'done twice',
  ended: 'ended and accepted past the bound',
  limits: 'limits that let through another number than they promise',
  keys: 'signing keys that a node used or took wrongly',
  wrong: 'answers that are none of those expected',
} as const
export type PromiseName = keyof typeof promises

/** What a request was for, as the account counts it. */
export type Kind = 'read' | 'write' | 'sign-in' | 'refresh' | 'probe'

type Answers = { count: number; slowest: number; slowestIn: string }

/** All that was seen, for the end, and for the line that shows how it goes. */
export type Account = {
  readonly answers: Map<Kind, Answers>
  /** How often, by kind, error and the faults of its time. */
  readonly errors: Map<string, number>
  readonly broken: Record<PromiseName, string[]>
  /** What happened, and how often: an account in which something never happened shows nothing about it. */
  readonly met: Map<string, number>
  /** What the nodes have logged as warnings and errors, and how often. */
  readonly troubles: Map<string, number>
  /** The longest time that something ended was accepted, in milliseconds after the answer that ended it. */
  longestAccepted: number
}

const noBreach = (): Account['broken'] =>
  Object.fromEntries(Object.keys(promises).map(name => [name, [] as string[]])) as Account['broken']

export const newAccount = (): Account => ({
  answers: new Map(),
  errors: new Map(),
  broken: noBreach(),
  met: new Map(),
  troubles: new Map(),
  longestAccepted: 0,
})

const add = (counts: Map<string, number>, name: string, times = 1): void =>
  void counts.set(name, (counts.get(name) ?? 0) + times)

export const meet = ({ met }: Account, what: string, times = 1): void => add(met, what, times)

export const noteTrouble = ({ troubles }: Account, what: string): void => add(troubles, what)

export const breach = ({ broken }: Account, promise: PromiseName, what: string): void =>
  void broken[promise].push(`${new Date().toISOString().slice(11, 23)} ${what.replaceAll(/\s+/g, ' ')}`)

export const toWords = (faults: readonly FaultName[]): string => faults.join(' + ') || 'no fault'

/** One request that was answered, or was not (status 0). */
export const noteAnswer = (
  { answers, errors }: Account,
  { kind, status, took, faults }: { kind: Kind; status: number; took: number; faults: readonly FaultName[] },
): void => {
  const seen = answers.get(kind) ?? { count: 0, slowest: 0, slowestIn: '' }
  answers.set(kind, seen)
  seen.count += 1
  if (took > seen.slowest) Object.assign(seen, { slowest: took, slowestIn: toWords(faults) })
  const isError = status === 0 || status === 429 || status >= 500
  if (isError) add(errors, `${kind} | ${status === 0 ? 'no answer' : status} | ${toWords(faults)}`)
}

export const countRequests = ({ answers }: Account): number =>
  [...answers.values()].reduce((sum, { count }) => sum + count, 0)
export const countBroken = ({ broken }: Account): number =>
  Object.values(broken).reduce((sum, list) => sum + list.length, 0)

const toRow = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
const toTable = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [toRow(head), toRow(head.map(() => '---')), ...rows.map(toRow)].join('\n')
const sorted = (counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] =>
  [...counts].sort(([a], [b]) => (a < b ? -1 : 1))

const shownOfEach = 10

const toBreaches = ({ broken }: Account): string =>
  Object.values(broken)
    .flatMap(list => [
      ...list.slice(0, shownOfEach),
      ...(list.length > shownOfEach ? [`… and ${list.length - shownOfEach} more`] : []),
    ])
    .map(line => `  ${line}`)
    .join('\n')

/** The whole account, as text in Markdown. */
export const toText = (account: Account, seconds: number): string =>
  [
    `${countRequests(account)} requests in ${seconds.toFixed(0)} s, ${(countRequests(account) / seconds).toFixed(1)} a second.`,
    toTable(
      ['requests', 'answered or given up', 'slowest', 'while'],
      [...account.answers].map(([kind, { count, slowest, slowestIn }]) => [
        kind,
        count,
        `${(slowest / 1_000).toFixed(2)} s`,
        slowestIn,
      ]),
    ),
    account.errors.size === 0
      ? 'No errors.'
      : toTable(
          ['of', 'error', 'while, or just after', 'times'],
          sorted(account.errors).map(([what, times]) => [...what.split(' | '), times]),
        ),
    toTable(
      ['what happened', 'times'],
      sorted(account.met).map(([what, times]) => [what, times]),
    ),
    account.troubles.size === 0
      ? ''
      : toTable(
          ['what the nodes have logged as warnings and errors', 'times'],
          sorted(account.troubles).map(([what, times]) => [what, times]),
        ),
    toTable(
      ['promise', 'broken'],
      Object.entries(promises).map(([name, says]) => [says, account.broken[name as PromiseName].length]),
    ),
    `Ended, and accepted for the longest time (within the bound): ${account.longestAccepted.toFixed(0)} ms.`,
    toBreaches(account),
  ]
    .filter(part => part !== '')
    .join('\n\n')
