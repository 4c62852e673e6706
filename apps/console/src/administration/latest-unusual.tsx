import { useQuery } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { ToldEventRow } from '../events/told-event-row.tsx'
import { Link } from '../forms/link.tsx'
import { Loaded } from '../forms/loaded.tsx'
import { Rows } from '../frame/rows.tsx'
import { useTexts } from '../texts/use-texts.tsx'

const shown = 5
/** The beginning of the name of every pattern. */
const unusual = 'unusual.'

/** What an attack may have been, the newest first. */
export const LatestUnusual = ({ refetchInterval }: { readonly refetchInterval: number | false }) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const events = useQuery({
    queryKey: ['events', unusual, shown],
    queryFn: () => admin.listEvents({ event: unusual, limit: String(shown) }),
    refetchInterval,
  })
  return (
    <Loaded query={events}>
      {({ data }) => (
        <>
          <Rows label={text('unusualTitle')} items={data} none={text('unusualNone')}>
            {event => <ToldEventRow key={event.id} event={event} />}
          </Rows>
          {data.length > 0 && (
            <div>
              <Link to="/admin/audit" memory={{ events: { event: unusual } }}>
                {text('unusualAll')}
              </Link>
            </div>
          )}
        </>
      )}
    </Loaded>
  )
}
