import { Button, Loader } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/use-texts.tsx'
import { ProblemNotice } from './problem-notice.tsx'

/** What is asked of a query, whether it is read in one or page by page. */
type Query<Data> = {
  readonly isPending: boolean
  readonly data: Data | undefined
  readonly error: unknown
  readonly refetch: () => unknown
}

type LoadedProps<Data> = {
  readonly query: Query<Data>
  readonly children: (data: Data) => ReactNode
}

/**
 * What was asked from the server, once it is there; where it can't be read, the way to try again. What was read before
 * stays, and says so: after a change it may be what was there before.
 */
export const Loaded = <Data,>({ query, children }: LoadedProps<Data>) => {
  const { text } = useTexts()
  if (query.isPending) return <Loader aria-label={text('loading')} />
  return (
    <>
      {query.error !== null && (
        <>
          <ProblemNotice error={query.error} />
          <div>
            <Button onClick={() => query.refetch()}>{text('tryAgain')}</Button>
          </div>
        </>
      )}
      {query.data !== undefined && children(query.data)}
    </>
  )
}
