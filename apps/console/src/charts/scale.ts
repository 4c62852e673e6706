/**
 * The top of a picture: the next number above the largest that people like to read.
 *
 *     toTop(37) // 40
 */
export const toTop = (largest: number): number => {
  if (largest <= 4) return 4
  const unit = 10 ** Math.floor(Math.log10(largest))
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find(times => times * unit >= largest) ?? 10
  return step * unit
}

/** Of these places so many at most, spread evenly. */
export const spread = <Place>(places: readonly Place[], most: number): readonly Place[] => {
  const step = Math.max(1, Math.ceil(places.length / Math.max(1, most)))
  return places.filter((_, index) => index % step === 0)
}
