// Texts of a data set: all of WordNet's glosses, or made up ones.
import { allGlosses } from './glosses.mjs'
import { seeded } from './random.mjs'

const SEED = 3
const TINY_WORDS = 2000
const TINY_LENGTH = 12

/** The texts of full-text search. */
export const searchTexts = (set) =>
  set.name === 'tiny' ? madeUp(set.rows) : allGlosses().slice(0, set.limit || undefined)

/** Words of made-up texts are as unequally frequent as those of languages. */
export function madeUp(count) {
  const random = seeded(SEED)
  const word = () => `w${Math.floor(TINY_WORDS ** random())}x`
  return Array.from({ length: count }, () => Array.from({ length: 1 + random() * TINY_LENGTH }, word).join(' '))
}
