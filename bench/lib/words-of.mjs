// The words of a text as full-text search is to see them: in lower case, without those that every text has. Vicinal and its
// peers get these words, parted by spaces, so that search is compared and not stemming.
import { eng } from 'stopword'

const STOP_WORDS = new Set(eng)

export const wordsOf = (text) =>
  (text.toLowerCase().match(/[\p{Alphabetic}\p{N}]+/gu) ?? []).filter((word) => !STOP_WORDS.has(word))
