// BM25 by its formula (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), with the IDF that never is
// negative. It works in double precision on words. Every text that has a word of the query is scored, and all are sorted.
// It shares no code with any index.

export const K1 = 1.2
export const B = 0.75

/** `texts` are lists of words. */
export function exactBm25(texts) {
  const postings = new Map()
  texts.forEach((words, row) => {
    for (const word of words) {
      const rows = postings.get(word) ?? new Map()
      postings.set(word, rows)
      rows.set(row, (rows.get(row) ?? 0) + 1)
    }
  })
  const meanLength = texts.reduce((sum, words) => sum + words.length, 0) / texts.length
  const idf = (rows) => Math.log(1 + (texts.length - rows.size + 0.5) / (rows.size + 0.5))
  const scores = (words) => {
    const found = new Map()
    for (const word of new Set(words)) {
      const rows = postings.get(word)
      if (!rows) continue
      const weight = idf(rows)
      for (const [row, times] of rows) {
        const temper = K1 * (1 - B + (B * texts[row].length) / meanLength)
        found.set(row, (found.get(row) ?? 0) + (weight * times * (K1 + 1)) / (times + temper))
      }
    }
    return found
  }
  return { meanLength, words: postings.size, scores }
}

/** The k-th best score: any text found is right if it scores no less. */
export function leastOfBest(scores, k) {
  const best = [...scores.values()].sort((a, b) => b - a)
  return best[Math.min(k, best.length) - 1] ?? Infinity
}
