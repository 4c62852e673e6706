import { useQuery } from '@tanstack/react-query'
import type { Anchor, Chain } from '../api/audit-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './tile.module.css'
import { Tile } from './tile.tsx'

/** Seconds after which an event that is not sealed shows that nobody seals. */
const longestUnsealed = 60

const newestOf = ({ checkpoints }: Chain) => checkpoints.toSorted((a, b) => b.position - a.position)[0]

/** Where a checkpoint has gone that has left this machine. */
const goneTo = {
  none: 'chainNoAnchor',
  file: 'chainInFile',
  https: 'chainSent',
  mailto: 'chainMailed',
} as const satisfies Readonly<Record<Anchor, TextName>>

/** What is signed, and where that is kept. */
const useCheckpointTexts = (chain: Chain): readonly string[] => {
  const { text, time, number } = useTexts()
  const newest = newestOf(chain)
  const begins = chain.beginning > 1 ? [text('chainBegins', { position: number(chain.beginning) })] : []
  if (newest === undefined) return [...begins, text('chainNoCheckpoint')]
  const { position, at, anchored_at: anchoredAt, problem } = newest
  const stays = problem === null ? text('chainNotAnchored') : text('chainAnchorFails', { problem })
  const hasLeft = chain.anchor === 'none' || anchoredAt !== null
  return [
    ...begins,
    text('chainCheckpoint', { position: number(position), time: time(at) }),
    hasLeft ? text(goneTo[chain.anchor]) : stays,
  ]
}

type ChainTileProps = {
  /** Among other tiles, where the rest stands on the page of the log. */
  readonly isBrief?: true
  readonly refetchInterval?: number | false
}

/** Whether the log is sealed, and whether that has left this machine. */
export const ChainTile = ({ isBrief, refetchInterval = false }: ChainTileProps) => {
  const { text, number } = useTexts()
  const { admin } = useApi()
  const { data: chain } = useQuery({ queryKey: ['chain'], queryFn: admin.findChain, refetchInterval })
  if (chain === undefined) return null
  const isSealing = chain.unsealed_seconds <= longestUnsealed
  const waiting = text(isSealing ? 'chainWaiting' : 'chainStuck', { count: number(chain.unsealed) })
  return (
    <Tile
      isGood={isSealing && newestOf(chain)?.problem == null}
      title={text('chainSealed', { position: number(chain.sealed_to) })}
      detail={
        isBrief ? <Link to="/admin/audit">{waiting}</Link> : <Checkpoint chain={chain} waiting={waiting} />
      }
    />
  )
}

const Checkpoint = ({ chain, waiting }: { readonly chain: Chain; readonly waiting: string }) =>
  [waiting, ...useCheckpointTexts(chain)].map(line => (
    <span key={line} className={styles.line}>
      {line}
    </span>
  ))
