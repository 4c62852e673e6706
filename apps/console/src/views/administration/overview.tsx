import { Button, Group, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { DayList } from '../../administration/days.tsx'
import { Failures } from '../../administration/failures.tsx'
import { Figures } from '../../administration/figures.tsx'
import { LatestUnusual } from '../../administration/latest-unusual.tsx'
import { PointsTable } from '../../administration/points-table.tsx'
import { RangeChoice } from '../../administration/range-choice.tsx'
import { type RangeName, toAskedSeries } from '../../administration/ranges.ts'
import { StateNow } from '../../administration/state-now.tsx'
import { Traffic } from '../../administration/traffic.tsx'
import { Trends } from '../../administration/trends.tsx'
import { useLive } from '../../administration/use-live.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { readMemory, remember } from '../../router.ts'
import { useUser } from '../../session.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** The numbers of a range: those of the one before stay until the others are there, so that nothing flickers. */
const useStatistics = (range: RangeName, refetchInterval: number | false) => {
  const { admin } = useApi()
  const now = useRef<string>(undefined)
  return useQuery({
    queryKey: ['statistics', range],
    queryFn: async () => {
      const known = now.current ?? (range === 'day' ? undefined : (await admin.findStatistics()).counted_at)
      const found = await admin.findStatistics(toAskedSeries(range, range === 'day' ? undefined : known))
      now.current = found.counted_at
      return { ...found, range }
    },
    placeholderData: keepPreviousData,
    refetchInterval,
  })
}

/** How the installation is and was, to look at rather than to read: nobody by name. */
export const Overview = () => {
  const { text, time } = useTexts()
  const { permissions } = useUser()
  const [range, setRange] = useState<RangeName>(readMemory().range ?? 'day')
  const { isWanted, toggle, refetchInterval } = useLive()
  const statistics = useStatistics(range, refetchInterval)
  const choose = (chosen: RangeName): void => {
    remember({ range: chosen })
    setRange(chosen)
  }
  return (
    <>
      <Group justify="space-between">
        <RangeChoice range={range} onChoose={choose} />
        <Button size="xs" variant="default" onClick={toggle}>
          {text(isWanted ? 'liveStop' : 'liveGoOn')}
        </Button>
      </Group>
      <Loaded query={statistics}>
        {({ range: shown, ...found }) => (
          <>
            <Trends series={found.series} />
            <Section title={text('stateTitle')}>
              <StateNow statistics={found} refetchInterval={refetchInterval} />
            </Section>
            {permissions.includes('audit:read') && (
              <Section title={text('unusualTitle')}>
                <LatestUnusual refetchInterval={refetchInterval} />
              </Section>
            )}
            <Section title={text('seriesRequests')}>
              <Traffic of="requests" series={found.series} range={shown} />
            </Section>
            <Section title={text('seriesSignIns')}>
              <Traffic of="signIns" series={found.series} range={shown} />
            </Section>
            <Section title={text('failuresTitle')}>
              <Failures series={found.series} range={shown} />
            </Section>
            <PointsTable series={found.series} range={shown} />
            <Section title={text('stockTitle')}>
              <Figures statistics={found} />
              <DayList days={found.days} />
            </Section>
            <Text c="dimmed" size="sm">
              {text('countedAt', { time: time(found.counted_at) })}
            </Text>
          </>
        )}
      </Loaded>
    </>
  )
}
