import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Days } from '../../administration/days.tsx'
import { Figures } from '../../administration/figures.tsx'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** How many there are of what, and how the last days were: nobody by name. */
export const Overview = () => {
  const { text, time } = useTexts()
  const { admin } = useApi()
  const statistics = useQuery({ queryKey: ['statistics'], queryFn: admin.findStatistics })
  return (
    <Loaded query={statistics}>
      {found => (
        <>
          <Figures statistics={found} />
          <Section title={text('daysTitle', { count: found.days.length })}>
            <Days days={found.days} />
          </Section>
          <Text c="dimmed" size="sm">
            {text('countedAt', { time: time(found.counted_at) })}
          </Text>
        </>
      )}
    </Loaded>
  )
}
