/** What a read of the feed tells of the database as it was at that moment. Texts, which only this file reads. */
export type FeedHead = {
  /** Made anew with every new, restored or moved database. */
  readonly epoch: string
  /** PostgreSQL: since when the server remembers what it counts. */
  readonly server: string
  /** PostgreSQL: another one after each fail-over. */
  readonly timeline: string
  /** How far the database has written: the newest place ever given, on PostgreSQL the end of its log. */
  readonly written: string
  /** PostgreSQL: the transactions that were over. */
  readonly snapshot: string
  /** SQLite: the row at the newest place. */
  readonly mark: string
}

export const headNames = [
  'epoch',
  'server',
  'timeline',
  'written',
  'snapshot',
  'mark',
] as const satisfies readonly (keyof FeedHead)[]

/**
 * What became of the feed, all of which asks for a read from the start:
 * - `other-epoch`: it is another database, or was adopted as one (`restore --adopt`);
 * - `went-back`: it is an older state of itself;
 * - `failed-over`: a stand-by was promoted, which may lack the last commits;
 * - `restarted`: the server only gave up its memory. Numbers of transactions may be given again.
 */
export const feedChanges = ['other-epoch', 'went-back', 'failed-over', 'restarted'] as const
export type FeedChange = (typeof feedChanges)[number]

const xmaxOf = ({ snapshot }: FeedHead): bigint => BigInt(snapshot.split(':')[1] ?? 0)

/** A place is given once: another row there, or one where there was none, was written by an older state. */
const isOtherRow = (former: string, now: string): boolean => now !== '' && now !== former

export const changeOf = (
  former: FeedHead,
  now: FeedHead,
  /** The row at the place that was the newest at `former`. */
  formerMark: string,
): FeedChange | undefined => {
  if (now.epoch !== former.epoch) return 'other-epoch'
  if (BigInt(now.written) < BigInt(former.written) || isOtherRow(former.mark, formerMark)) return 'went-back'
  if (now.timeline !== former.timeline) return 'failed-over'
  if (now.server !== former.server) return 'restarted'
  return xmaxOf(now) < xmaxOf(former) ? 'went-back' : undefined
}
