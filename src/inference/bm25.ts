/**
 * BM25 as Qdrant and FastEmbed have it: a text becomes a sparse vector of the hashes of its words. A document has in
 * it how often each word comes, tempered by the document's length; how rare a word is, the collection's `idf` modifier
 * tells at each query. Vectors made here, there and by FastEmbed go together.
 */
import { invalid, type VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Bm25Options, Bm25Tokenizer, Document, StoredSparseVector } from '../core/point.js'
import { LANGUAGES, languageOf } from './languages.js'
import { murmur3 } from './murmur3.js'
import { type Stem, stemmerOf } from './stemmers.js'
import { stopWordsOf } from './stop-words.js'
import { type TokenizerSettings, tokensOf } from './tokenizer.js'

const MODEL = 'qdrant/bm25'
const TOKENIZERS: readonly Bm25Tokenizer[] = ['word', 'whitespace', 'prefix', 'multilingual']
const DEFAULT_LANGUAGE = 'english'
/** Turns off all that depends on a language: Qdrant's older way to say so. */
const NO_LANGUAGE = 'none'
const DEFAULT_K = 1.2
const DEFAULT_B = 0.75
const DEFAULT_AVERAGE_LENGTH = 256

const encoder = new TextEncoder()

/** Words of a document, weighed by how often they come. */
export function embedDocument(document: Document, field: string): StoredSparseVector {
  const { text, options } = checked(document, field, LIMITS.documentLength)
  const k = numberAt(options.k, DEFAULT_K, 0, Number.MAX_VALUE, `${field}.options.k`)
  const b = numberAt(options.b, DEFAULT_B, 0, 1, `${field}.options.b`)
  const least = Number.MIN_VALUE
  const average = numberAt(options.avg_len, DEFAULT_AVERAGE_LENGTH, least, Number.MAX_VALUE, `${field}.options.avg_len`)
  const tokens = tokensOf(text, settingsOf(options, `${field}.options`))
  const counts = new Map<string, number>()
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  const temper = k * (1 - b + (b * tokens.length) / average)
  const weights = new Map<number, number>()
  for (const [token, count] of counts) weights.set(tokenId(token), (count * (k + 1)) / (count + temper))
  return vectorOf(weights, field)
}

/** What can be said of a query's text without taking it apart. */
export function checkQueryDocument(document: Document, field: string): void {
  checked(document, field, LIMITS.queryDocumentLength)
}

/** Words of a query, each counting the same. */
export function embedQuery(document: Document, field: string): StoredSparseVector {
  const { text, options } = checked(document, field, LIMITS.queryDocumentLength)
  const tokens = tokensOf(text, settingsOf(options, `${field}.options`))
  return vectorOf(new Map(tokens.map((token) => [tokenId(token), 1])), field)
}

export function noModel(document: Document, field: string): VicinalError {
  const { model } = document
  return invalid(`${field}.model`, `expected ${MODEL}, which makes sparse vectors; there are no other models`, model)
}

/** The number a word has as an index: the absolute value of its hash as a signed number. */
export function tokenId(token: string): number {
  const hash = murmur3(encoder.encode(token))
  return Math.abs(hash | 0)
}

function vectorOf(weights: ReadonlyMap<number, number>, field: string): StoredSparseVector {
  if (weights.size > LIMITS.sparseEntries) {
    throw invalid(`${field}.text`, `expected at most ${LIMITS.sparseEntries} different words`, weights.size)
  }
  const indices = Uint32Array.from(weights.keys()).sort()
  return { indices, values: Float32Array.from(indices, (index) => weights.get(index) as number) }
}

function checked(document: Document, field: string, mostLength: number): { text: string; options: Bm25Options } {
  const { text, model, options } = document
  if (typeof text !== 'string') throw invalid(`${field}.text`, 'expected a text', text)
  if (typeof model !== 'string' || model.toLowerCase() !== MODEL) throw noModel(document, field)
  if (text.length > mostLength) {
    throw invalid(`${field}.text`, `expected at most ${mostLength} characters`, text.length)
  }
  if (options === undefined || options === null) return { text, options: {} }
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid(`${field}.options`, 'expected an object', options)
  }
  return { text, options }
}

const NO_WORDS: ReadonlySet<string> = new Set()
const setsOfLanguages = new Map<string, ReadonlySet<string>>()

function settingsOf(options: Bm25Options, field: string): TokenizerSettings {
  const tokenizer = options.tokenizer ?? 'word'
  if (!TOKENIZERS.includes(tokenizer)) {
    throw invalid(`${field}.tokenizer`, `expected one of ${TOKENIZERS.join(', ')}`, tokenizer)
  }
  const lowercase = flagAt(options.lowercase, true, `${field}.lowercase`)
  const language = options.language ?? DEFAULT_LANGUAGE
  return {
    tokenizer,
    lowercase,
    asciiFolding: flagAt(options.ascii_folding, false, `${field}.ascii_folding`),
    stopWords: stopWordsAt(options.stopwords, language, lowercase, field),
    stem: stemAt(options.stemmer, language, field),
    leastLength: lengthAt(options.min_token_len, 0, `${field}.min_token_len`),
    mostLength: lengthAt(options.max_token_len, Number.MAX_SAFE_INTEGER, `${field}.max_token_len`),
  }
}

function stopWordsAt(
  stopwords: Bm25Options['stopwords'],
  language: string,
  lowercase: boolean,
  field: string,
): ReadonlySet<string> {
  if (stopwords === undefined || stopwords === null) {
    return language === NO_LANGUAGE ? NO_WORDS : wordsOf(language, `${field}.language`)
  }
  if (typeof stopwords === 'string') return wordsOf(stopwords, `${field}.stopwords`)
  if (typeof stopwords !== 'object' || Array.isArray(stopwords)) {
    throw invalid(`${field}.stopwords`, 'expected a language, or an object { languages, custom }', stopwords)
  }
  const custom = textsAt(stopwords.custom, `${field}.stopwords.custom`)
  const languages = textsAt(stopwords.languages, `${field}.stopwords.languages`)
  return new Set([
    ...languages
      .filter((one, i) => languages.indexOf(one) === i)
      .flatMap((one, i) => [...wordsOf(one, `${field}.stopwords.languages[${i}]`)]),
    ...(lowercase ? custom.map((word) => word.toLowerCase()) : custom),
  ])
}

function wordsOf(told: string, field: string): ReadonlySet<string> {
  const language = typeof told === 'string' ? languageOf(told) : undefined
  const known = language && setsOfLanguages.get(language)
  if (known) return known
  const list = language && stopWordsOf(language)
  if (!language || !list) throw invalid(field, `expected one of ${namesOf(stopWordsOf)}`, told)
  const words = new Set(list)
  setsOfLanguages.set(language, words)
  return words
}

function stemAt(stemmer: Bm25Options['stemmer'], language: string, field: string): Stem | null {
  if (stemmer === undefined || stemmer === null) {
    return language === NO_LANGUAGE ? null : stemOf(language, `${field}.language`)
  }
  if (typeof stemmer !== 'object') throw invalid(`${field}.stemmer`, 'expected an object', stemmer)
  if (stemmer.type === 'none') return null
  if (stemmer.type !== 'snowball') throw invalid(`${field}.stemmer.type`, 'expected one of snowball, none', stemmer)
  return stemOf(stemmer.language, `${field}.stemmer.language`)
}

function stemOf(told: string, field: string): Stem {
  const language = typeof told === 'string' ? languageOf(told) : undefined
  const stem = language && stemmerOf(language)
  if (!stem) throw invalid(field, `no stemmer of it: expected one of ${namesOf(stemmerOf)}`, told)
  return stem
}

function namesOf(of: (language: string) => unknown): string {
  return LANGUAGES.filter((language) => of(language) !== undefined).join(', ')
}

function textsAt(value: unknown, field: string): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(field, 'expected an array of texts', value)
  if (value.length > LIMITS.stopWords) {
    throw invalid(field, `expected at most ${LIMITS.stopWords} texts`, value.length)
  }
  const wrong = value.findIndex((one) => typeof one !== 'string')
  if (wrong >= 0) throw invalid(`${field}[${wrong}]`, 'expected a text', value[wrong])
  return value as string[]
}

function flagAt(value: unknown, otherwise: boolean, field: string): boolean {
  if (value === undefined || value === null) return otherwise
  if (typeof value !== 'boolean') throw invalid(field, 'expected true or false', value)
  return value
}

function lengthAt(value: unknown, otherwise: number, field: string): number {
  if (value === undefined || value === null) return otherwise
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(field, 'expected an integer of at least 0', value)
  }
  return value
}

function numberAt(value: unknown, otherwise: number, least: number, most: number, field: string): number {
  if (value === undefined || value === null) return otherwise
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw invalid(field, `expected a number from ${least} to ${most}`, value)
}
