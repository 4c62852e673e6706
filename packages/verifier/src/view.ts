import { ageOf, type Clock, type Moment, second } from './clock.ts'
import { type CutOffs, nameOf } from './cut-offs.ts'
import { FeedError, type Statement } from './statement.ts'

/** What is known of the issuer's feed, and since when. */
export type View = {
  /** The place to ask from; empty for the whole list. */
  readonly place: () => string
  /** Takes a statement that answers a request sent at `sent`. @throws FeedError where it does not go on from here */
  readonly take: (statement: Statement, sent: Moment) => void
  /** Nothing counts as known until a whole list was read. */
  readonly close: () => void
  /** Milliseconds since the issuer's database was in the state that is known here; infinite while closed. */
  readonly age: () => number
  /** Milliseconds since 1970: never behind the issuer's time, however this machine's clock is set. */
  readonly now: () => number
}

/** As of when something is known: what was sent then was told to be so old. */
type Known = { readonly sent: Moment; readonly age: number }

/** Seconds. Processes of one installation differ by 2 at most; an entry is told for 60 after it has mattered. */
const leeway = 30
/** Where there is room; where there is none, each second. */
const pruneEvery = 30

/** How many pages a list may have that brings nothing new: none. */
const checkProgress = ({ isLast, entries }: Statement): void => {
  if (!isLast && entries.length === 0) throw new FeedError('the list does not go on')
}

export const createView = (clock: Clock, cutOffs: CutOffs): View => {
  let place = ''
  let epoch = ''
  /** Of the list under way, its first page: what the others add was asked for later, and is not all. */
  let list: Known | undefined
  let known: Known | undefined
  let prunedAt = 0
  /** The largest `iat` since the door was opened last. */
  let newest = 0
  let issuerTime: { readonly at: number; readonly read: number } | undefined

  const ageOfKnown = (of: Known | undefined): number =>
    of === undefined ? Number.POSITIVE_INFINITY : ageOf(clock, of.sent) + of.age

  const close = (): void => {
    place = ''
    epoch = ''
    list = undefined
    known = undefined
    newest = 0
  }

  /** Only a list from its start may follow something else than what was asked from. */
  const checkGoesOn = (statement: Statement): void => {
    if (statement.after === place && (place === '' || statement.epoch === epoch)) return
    if (statement.after !== '') throw new FeedError('the statement starts at another place')
    close()
  }

  const checkKey = (kid: string): void => {
    const names = { session: '', user: '', userVersion: 0, reread: '', exp: 0 }
    if (cutOffs.judge({ ...names, key: nameOf('signing-key', kid) }) === 'key revoked')
      throw new FeedError('the statement is signed by a revoked key')
  }

  /** What has been forgotten by a time that was wrong must be told again. */
  const checkTime = ({ iat }: Statement): void => {
    if (iat < newest - leeway) throw new FeedError('the time of the issuer went back')
    newest = Math.max(newest, iat)
  }

  const addAll = ({ entries }: Statement): void => {
    for (const entry of entries)
      if (!cutOffs.add(entry)) throw new FeedError('the list has what is not known here, or too much')
  }

  /**
   * By the issuer's time: what it may still tell of is kept, wherever this machine's clock stands. Before what is
   * new is added: where there was no room for that, there would never be any.
   */
  const prune = ({ iat, entries }: Statement): void => {
    const every = cutOffs.hasRoomFor(entries.length) ? pruneEvery : 1
    if (Math.abs(iat - prunedAt) < every) return
    prunedAt = iat
    cutOffs.prune(iat)
  }

  const now = (): number => {
    const elapsed = issuerTime === undefined ? 0 : clock.monotonic() - issuerTime.read
    return Math.max(clock.wall(), (issuerTime?.at ?? 0) + elapsed)
  }

  return {
    place: () => place,
    take: (statement, sent) => {
      checkKey(statement.kid)
      checkGoesOn(statement)
      checkTime(statement)
      checkProgress(statement)
      prune(statement)
      addAll(statement)
      checkKey(statement.kid)
      place = statement.place
      epoch = statement.epoch
      issuerTime = { at: statement.iat * second, read: clock.monotonic() }
      const told = { sent: list?.sent ?? sent, age: Math.max(list?.age ?? 0, statement.age) }
      list = statement.isLast ? undefined : told
      if (statement.isLast && ageOfKnown(told) < ageOfKnown(known)) known = told
    },
    close,
    age: () => ageOfKnown(known),
    now,
  }
}
