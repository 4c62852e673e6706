/**
 * The secret that values are made with from now on: the newest that every live process holds. Newer is what
 * each of them lists before the one in force, so processes that disagree about the order change nothing.
 *
 * @param lists ids of the secrets of every live process, newest first
 */
export const chooseSecret = (inForce: string, lists: readonly (readonly string[])[]): string => {
  const isNewer = (id: string): boolean =>
    lists.every(ids => ids.includes(id) && ids.indexOf(id) < ids.indexOf(inForce))
  return lists[0]?.find(isNewer) ?? inForce
}
