/** How much longer than in continuous integration a run is: set by scripts/soak.mjs. */
const FACTOR = Number(process.env.VICINAL_SOAK ?? 1)

export const scaled = (count: number): number => Math.round(count * FACTOR)

export const MINUTE_MS = 60_000

/** So many times as long as on a usual one. */
const SLOW_MACHINE = 5

/** A test's time limit grows with it. Limits are for what hangs: slow machines take several times as long as others. */
export const scaledMinutes = (minutes: number): number => SLOW_MACHINE * minutes * MINUTE_MS * Math.max(1, FACTOR)
