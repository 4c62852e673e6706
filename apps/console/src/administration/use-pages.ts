import { useInfiniteQuery } from '@tanstack/react-query'
import type { CursorPage } from '../api/administration-answers.ts'

type Load<Item> = (cursor: string | undefined) => Promise<CursorPage<Item>>

/** A list that is read page by page, as far as somebody has asked for more. */
export const usePages = <Item>(key: readonly unknown[], load: Load<Item>) =>
  useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
  })

export type Pages<Item> = ReturnType<typeof usePages<Item>>
