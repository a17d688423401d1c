/** The factor by which a run is longer than in continuous integration; scripts/soak.mjs sets it. */
const FACTOR = Number(process.env.VICINAL_SOAK ?? 1)

export const scaled = (count: number): number => Math.round(count * FACTOR)

export const MINUTE_MS = 60_000

/** The factor by which a slow machine may be slower than a usual one. */
const SLOW_MACHINE = 5

/**
 * The time limit of a test grows with the run. Limits are for hanging runs: slow machines take several times as long.
 */
export const scaledMinutes = (minutes: number): number => SLOW_MACHINE * minutes * MINUTE_MS * Math.max(1, FACTOR)
