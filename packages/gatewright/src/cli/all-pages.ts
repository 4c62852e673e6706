const perPage = 500

/** Everything that is read page by page. The last page is the first that is not full. */
export const readAllPages = async <T>(
  readPage: (page: { readonly page: number; readonly perPage: number }) => Promise<readonly T[]>,
): Promise<readonly T[]> => {
  const all: T[] = []
  for (let page = 1; ; page += 1) {
    const rows = await readPage({ page, perPage })
    all.push(...rows)
    if (rows.length < perPage) return all
  }
}
