import { useQuery } from '@tanstack/react-query'
import type { Chain } from '../api/audit-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import { Tile } from './tile.tsx'

/** Seconds after which an event that is not sealed shows that nobody seals. */
const longestUnsealed = 60

const newestOf = ({ checkpoints }: Chain) => checkpoints.toSorted((a, b) => b.position - a.position)[0]

/** How far the log is proved to be whole, in words. */
const useCheckpointText = (chain: Chain | undefined): string => {
  const { text, time, number } = useTexts()
  const newest = chain && newestOf(chain)
  if (chain === undefined || newest === undefined) return text('chainNoCheckpoint')
  const told = text('chainCheckpoint', { position: number(newest.position), time: time(newest.at) })
  if (chain.anchor === null) return `${told} ${text('chainNoAnchor')}`
  return `${told} ${newest.anchored_at === null ? text('chainNotAnchored') : text('chainAnchored', { anchor: chain.anchor })}`
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
  const checkpoint = useCheckpointText(chain)
  if (chain === undefined) return null
  const isGood = chain.unsealed_seconds <= longestUnsealed
  const waiting = text(isGood ? 'chainWaiting' : 'chainStuck', { count: number(chain.unsealed) })
  return (
    <Tile
      isGood={isGood}
      title={text('chainSealed', { position: number(chain.sealed_to) })}
      detail={
        isBrief ? (
          <Link to="/admin/audit">{waiting}</Link>
        ) : (
          <>
            {waiting}
            <br />
            {checkpoint}
          </>
        )
      }
    />
  )
}
