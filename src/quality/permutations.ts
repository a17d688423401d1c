/** How unusual a difference of two samples is, by random splits of the same points. */
import { nextTurn } from '../core/turn-budget.js'
import type { Random } from './random.js'

const MOST_SPLITS = 999
/** After so many splits with as great a difference, the p-value is known well enough. */
const ENOUGH_AS_GREAT = 20
/** Splits whose statistics are computed together: all in as many steps. */
const TOGETHER = 111

/** For each pooled point 1 if it is current, and 0 if it is of the reference. */
export type Labels = Uint8Array

/** The statistic of each split. `labels` has the labels of all splits, one after the other. */
export type Statistic = (labels: Labels) => Promise<Float64Array>

export interface Tested {
  statistic: number
  pValue: number
}

/**
 * The p-value of a statistic by a permutation test: the share of random splits whose statistic is as great, the given
 * split counted too. It is ended early where many are (J. Besag and P. Clifford, "Sequential Monte Carlo p-values",
 * Biometrika 78, 1991). Where both samples come from one distribution, it is below x in at most a share x of cases,
 * whatever the statistic and the distribution.
 */
export async function permutationTest(labels: Labels, random: Random, statisticOf: Statistic): Promise<Tested> {
  const [statistic] = (await statisticOf(labels)) as unknown as [number]
  const split = labels.slice()
  const together = new Uint8Array(TOGETHER * labels.length)
  let asGreat = 0
  for (let first = 0; first < MOST_SPLITS; first += TOGETHER) {
    for (let at = 0; at < TOGETHER; at++) {
      random.shuffle(split)
      together.set(split, at * labels.length)
    }
    for (const [at, other] of (await statisticOf(together)).entries()) {
      if (other >= statistic) asGreat++
      if (asGreat === ENOUGH_AS_GREAT) return { statistic, pValue: asGreat / (first + at + 1) }
    }
  }
  return { statistic, pValue: (asGreat + 1) / (MOST_SPLITS + 1) }
}

/** A statistic that is computed split by split, with turns of the event loop between them. */
export function splitBySplit(signal: AbortSignal, count: number, statisticOf: (labels: Labels) => number): Statistic {
  return async (labels) => {
    await nextTurn()
    signal.throwIfAborted()
    const statistics = new Float64Array(labels.length / count)
    for (let at = 0; at < statistics.length; at++) {
      statistics[at] = statisticOf(labels.subarray(at * count, (at + 1) * count))
    }
    return statistics
  }
}
