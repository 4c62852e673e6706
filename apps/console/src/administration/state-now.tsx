import { useQuery } from '@tanstack/react-query'
import type { Health, Statistics } from '../api/installation-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { ChainTile } from './chain-state.tsx'
import { sumOf } from './series.ts'
import styles from './tile.module.css'
import { Tile } from './tile.tsx'

type StateNowProps = { readonly statistics: Statistics; readonly refetchInterval: number | false }

/** What asks for somebody, seen before it is read. */
export const StateNow = ({ statistics, refetchInterval }: StateNowProps) => {
  const { text, number } = useTexts()
  const { admin } = useApi()
  const { permissions } = useUser()
  const health = useQuery({ queryKey: ['health'], queryFn: admin.findHealth, refetchInterval })
  const unusual = sumOf(statistics.series, point => point.unusual)
  const bare = statistics.administrators.without_second_factor
  return (
    <ul className={styles.pairs} aria-label={text('stateTitle')}>
      {health.data && <HealthTile health={health.data} />}
      {permissions.includes('audit:read') && <ChainTile isBrief refetchInterval={refetchInterval} />}
      <Tile isGood={unusual === 0} title={text('stateUnusual', { count: number(unusual) })} />
      <Tile isGood={bare === 0} title={text('stateBare', { count: number(bare) })} />
    </ul>
  )
}

const HealthTile = ({ health: { ready, findings } }: { readonly health: Health }) => {
  const { text, number } = useTexts()
  const found = text('stateFindings', { count: number(findings.length) })
  return (
    <Tile
      isGood={ready && findings.length === 0}
      title={ready && findings.length > 0 ? found : text(ready ? 'healthReady' : 'healthNotReady')}
      detail={<Link to="/admin/health">{text('healthTitle')}</Link>}
    />
  )
}
