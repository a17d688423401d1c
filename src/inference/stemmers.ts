import snowball from 'snowball-stemmers'

export type Stem = (word: string) => string

/** Longer words than any language has stay as they are: the algorithms were not made for them. */
const LONGEST = 255
/** Stemming a word takes some tens of microseconds, finding it a fraction of one; then all are forgotten. */
const REMEMBERED = 65_536

const ALGORITHMS: ReadonlySet<string> = new Set(snowball.algorithms())
const stems = new Map<string, Stem>()

/** Snowball's algorithm for a language by its name; undefined where there is none. */
export function stemmerOf(language: string): Stem | undefined {
  const known = stems.get(language)
  if (known || !ALGORITHMS.has(language)) return known
  const stemmer = snowball.newStemmer(language)
  const remembered = new Map<string, string>()
  const stem = (word: string): string => {
    if (word.length > LONGEST) return word
    const before = remembered.get(word)
    if (before !== undefined) return before
    if (remembered.size >= REMEMBERED) remembered.clear()
    const stemmed = stemmer.stem(word)
    remembered.set(word, stemmed)
    return stemmed
  }
  stems.set(language, stem)
  return stem
}
