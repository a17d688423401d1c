import type { Bm25Tokenizer } from '../core/point.js'
import type { Stem } from './stemmers.js'

export interface TokenizerSettings {
  tokenizer: Bm25Tokenizer
  lowercase: boolean
  asciiFolding: boolean
  stopWords: ReadonlySet<string>
  stem: Stem | null
  /** In characters. */
  leastLength: number
  mostLength: number
}

// All are linear: one class of characters, repeated.
const WORDS = /[\p{Alphabetic}\p{N}]+/gu
const NOT_SPACES = /\S+/gu
const MARKS = /\p{M}+/gu
const NOT_ASCII = /[^\0-\x7f]/u
/** Letters that no decomposition makes ASCII. */
const FOLDED: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'TH',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
  ħ: 'h',
  Ħ: 'H',
  ŋ: 'n',
  Ŋ: 'N',
}
const FOLDABLE = /[ßẞæÆœŒøØđĐðÐþÞłŁıħĦŋŊ]/gu

let segmenter: Intl.Segmenter | undefined

/** The words of a text as BM25 counts them, in their order. */
export function tokensOf(text: string, settings: TokenizerSettings): string[] {
  const { stopWords, stem, leastLength, mostLength } = settings
  const isPrefix = settings.tokenizer === 'prefix'
  const tokens: string[] = []
  for (const piece of piecesOf(text, settings.tokenizer)) {
    const word = spelled(piece, settings)
    // What a prefix begins may be a stop word, and the word still be none.
    if (!isPrefix && stopWords.has(word)) continue
    const stemmed = stem ? stem(word) : word
    const token = isPrefix ? firstOf(stemmed, mostLength) : stemmed
    const length = lengthOf(token, leastLength, mostLength)
    if (length >= leastLength && length <= mostLength && token !== '') tokens.push(token)
  }
  return tokens
}

function piecesOf(text: string, tokenizer: Bm25Tokenizer): Iterable<string> {
  switch (tokenizer) {
    case 'whitespace':
      return text.match(NOT_SPACES) ?? []
    case 'multilingual':
      return segments(text)
    default:
      return text.match(WORDS) ?? []
  }
}

/** Where words are not told by spaces: as the Unicode library of this platform parts them. */
function* segments(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'word' })
  for (const { segment, isWordLike } of segmenter.segment(text)) if (isWordLike) yield segment
}

function spelled(piece: string, { lowercase, asciiFolding }: TokenizerSettings): string {
  const folded = asciiFolding && NOT_ASCII.test(piece) ? fold(piece) : piece
  return lowercase ? folded.toLowerCase() : folded
}

function fold(word: string): string {
  return word
    .replace(FOLDABLE, (letter) => FOLDED[letter] as string)
    .normalize('NFD')
    .replace(MARKS, '')
}

/** The first characters, none cut in two. */
function firstOf(word: string, most: number): string {
  return word.length <= most ? word : [...word].slice(0, most).join('')
}

/** In characters, where the bounds depend on it. */
function lengthOf(token: string, least: number, most: number): number {
  return least <= 1 && token.length <= most ? token.length : [...token].length
}
