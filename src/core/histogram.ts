/** Bounds in milliseconds of the buckets of every histogram of times. */
export const BUCKETS_MS = [0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000] as const

/** Times by buckets; a plain object, so that a thread can post it. */
export interface Histogram {
  /** One counter for each bound of BUCKETS_MS, and one above the last. */
  readonly buckets: Float64Array
  sumMs: number
  count: number
}

export function emptyHistogram(): Histogram {
  return { buckets: new Float64Array(BUCKETS_MS.length + 1), sumMs: 0, count: 0 }
}

export function observe(histogram: Histogram, elapsedMs: number): void {
  let bucket = 0
  while (bucket < BUCKETS_MS.length && elapsedMs > (BUCKETS_MS[bucket] as number)) bucket++
  histogram.buckets[bucket] = (histogram.buckets[bucket] as number) + 1
  histogram.sumMs += elapsedMs
  histogram.count++
}

export function addHistogram(sum: Histogram, more: Histogram): void {
  for (const [at, count] of more.buckets.entries()) sum.buckets[at] = (sum.buckets[at] as number) + count
  sum.sumMs += more.sumMs
  sum.count += more.count
}
