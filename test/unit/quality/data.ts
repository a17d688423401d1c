import { Random } from '../../oracle/fault-random.js'

export const SEED = Number(process.env.VICINAL_TEST_SEED ?? Date.now() % 1_000_000)
process.stderr.write(`quality: VICINAL_TEST_SEED=${SEED}\n`)

export class Gauss extends Random {
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  vector(size: number, scale = 1): number[] {
    return Array.from({ length: size }, () => scale * this.normal())
  }
}

export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, at) => value - (b[at] as number)))
}

/** Of each row the others by their distance, nearest first. */
export function exactLists(rows: readonly number[][], length: number): { other: number; distance: number }[][] {
  return rows.map((row, at) =>
    rows
      .map((other, place) => ({ other: place, distance: distance(row, other) }))
      .filter(({ other }) => other !== at)
      .sort((a, b) => a.distance - b.distance)
      .slice(0, length),
  )
}

/** Squared distances of all rows to each other. */
export function squaredOf(rows: readonly number[][]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => rows.map((other) => distance(row, other) ** 2)))
}
