/** How many points a map may have. */

/** The most points of a map: a bound on the memory and time of the browser. */
export const MAP_MOST_POINTS = 1_000_000
const AMOUNTS = [1_000, 10_000, 100_000, MAP_MOST_POINTS]
const DEFAULT_AMOUNT = 10_000
/** The least share of the points that the service tells neighbours of. */
const LEAST_SHARE = 0.005

export interface Amount {
  points: number
  /** Of all points of the collection. */
  share: number
}

/** All points, or a sample of about so many; none where even the least sample is too large. */
export function amountsOf(points: number): Amount[] {
  const least = Math.ceil(points * LEAST_SHARE)
  const samples = AMOUNTS.filter((amount) => amount >= least && amount < points)
  const isLeastNew = least > (AMOUNTS[0] as number) && !samples.includes(least)
  const all = [...(isLeastNew ? [least] : []), ...samples, ...(points <= MAP_MOST_POINTS ? [points] : [])]
  return all
    .filter((amount) => amount <= MAP_MOST_POINTS)
    .map((amount) => ({ points: amount, share: Math.min(1, Math.max(LEAST_SHARE, amount / Math.max(1, points))) }))
}

/** The largest that is soon drawn. */
export function defaultOf(amounts: readonly Amount[]): Amount | undefined {
  return amounts.filter(({ points }) => points <= DEFAULT_AMOUNT).at(-1) ?? amounts[0]
}
