import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { Loaded } from '../forms/loaded.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { Rows } from '../frame/rows.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import type { Pages } from './use-pages.ts'

type PagedRowsProps<Item> = {
  readonly label: string
  readonly none: string
  readonly pages: Pages<Item>
  readonly children: (item: Item) => ReactNode
}

/** A list with a button for what comes next. */
export const PagedRows = <Item,>({ pages, ...rows }: PagedRowsProps<Item>) => (
  <Loaded query={{ ...pages, error: pages.isFetchNextPageError ? null : pages.error }}>
    {items => (
      <>
        <Rows items={items} {...rows} />
        <More pages={pages} />
      </>
    )}
  </Loaded>
)

const More = <Item,>({ pages }: { readonly pages: Pages<Item> }) => {
  const { text } = useTexts()
  if (!pages.hasNextPage) return null
  return (
    <>
      {pages.isFetchNextPageError && <ProblemNotice error={pages.error} />}
      <div>
        <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {text('more')}
        </Button>
      </div>
    </>
  )
}
