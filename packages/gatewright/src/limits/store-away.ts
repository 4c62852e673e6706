/** The store in which several processes count together can't be had. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway'
}
