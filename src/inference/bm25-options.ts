import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import {
  type PayloadIndexParams,
  SNOWBALL_LANGUAGES,
  type SnowballLanguage,
  STOPWORD_LANGUAGES,
  type StopwordLanguage,
  type Stopwords,
  TOKENIZERS,
} from '../core/payload-index.js'
import type { Bm25Options } from '../core/point.js'
import { stopwordsOf } from '../filter/stopwords.js'
import { encodeTextOptions } from '../filter/text-options.js'
import type { TextWeights } from '../native/texts.js'

const DEFAULT_LANGUAGE = 'english'
/** Turns off everything that depends on a language; Qdrant's older spelling. */
const NO_LANGUAGE = 'none'
const DEFAULT_WEIGHTS: TextWeights = { k: 1.2, b: 0.75, averageLength: 256 }
/** Number of remembered settings. Past it all are forgotten; most services use only one. */
const REMEMBERED = 64
const MOST_REMEMBERED_CHARACTERS = 1_024
/** Names of languages by their ISO 639-1 codes. */
const NAMES: Readonly<Record<string, string>> = {
  ar: 'arabic',
  az: 'azerbaijani',
  bn: 'bengali',
  ca: 'catalan',
  da: 'danish',
  de: 'german',
  el: 'greek',
  en: 'english',
  es: 'spanish',
  eu: 'basque',
  fi: 'finnish',
  fr: 'french',
  he: 'hebrew',
  hu: 'hungarian',
  hy: 'armenian',
  id: 'indonesian',
  it: 'italian',
  ja: 'japanese',
  kk: 'kazakh',
  ne: 'nepali',
  nl: 'dutch',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sl: 'slovene',
  sv: 'swedish',
  ta: 'tamil',
  tg: 'tajik',
  tr: 'turkish',
  zh: 'chinese',
}
const LANGUAGES: ReadonlySet<string> = new Set([...SNOWBALL_LANGUAGES, ...STOPWORD_LANGUAGES])

/** The kernel's options for splitting texts, and the weights of their tokens. */
export interface Bm25Settings {
  text: Uint8Array
  weights: TextWeights
}

const remembered = new Map<string, Bm25Settings>()
/** The last options and their settings. Not kept if an option is an object, which the caller may change. */
let last: { options: Bm25Options; settings: Bm25Settings } | null = null

/**
 * Settings of the options, usually the same object for the same options. Throws INVALID_ARGUMENT, naming the option.
 */
export function settingsOf(options: Bm25Options, field: string): Bm25Settings {
  if (last && isSame(options, last.options)) return last.settings
  const settings = rememberedOrMade(options, field)
  const isFlat = Object.values(options).every((value) => typeof value !== 'object' || value === null)
  last = isFlat ? { options: { ...options }, settings } : null
  return settings
}

function isSame(one: Bm25Options, other: Bm25Options): boolean {
  const names = Object.keys(one) as (keyof Bm25Options)[]
  return names.length === Object.keys(other).length && names.every((name) => Object.is(one[name], other[name]))
}

function rememberedOrMade(options: Bm25Options, field: string): Bm25Settings {
  // Looking up options with custom word lists costs more than reading them.
  const isPlain = options.stopwords === undefined || options.stopwords === null || typeof options.stopwords === 'string'
  const key = isPlain ? JSON.stringify(options, spelled) : ''
  const known = remembered.get(key)
  if (known) return known
  const settings = { text: encodeTextOptions(paramsOf(options, field)), weights: weightsOf(options, field) }
  if (key === '' || key.length > MOST_REMEMBERED_CHARACTERS) return settings
  if (remembered.size >= REMEMBERED) remembered.clear()
  remembered.set(key, settings)
  return settings
}

/** Spells values that JSON writes as null. They are invalid settings, but null is a valid one. */
function spelled(_: string, value: unknown): unknown {
  const isOdd = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
  return isOdd ? { odd: String(value) } : value
}

function weightsOf(options: Bm25Options, field: string): TextWeights {
  const { k, b, averageLength } = DEFAULT_WEIGHTS
  return {
    k: numberAt(options.k, k, 0, Number.MAX_VALUE, `${field}.k`),
    b: numberAt(options.b, b, 0, 1, `${field}.b`),
    averageLength: numberAt(options.avg_len, averageLength, Number.MIN_VALUE, Number.MAX_VALUE, `${field}.avg_len`),
  }
}

function paramsOf(options: Bm25Options, field: string): PayloadIndexParams {
  const tokenizer = options.tokenizer ?? 'word'
  if (!TOKENIZERS.includes(tokenizer)) {
    throw invalid(`${field}.tokenizer`, `expected one of ${TOKENIZERS.join(', ')}`, tokenizer)
  }
  const language = defaultLanguage(options.language, `${field}.language`)
  const least = lengthAt(options.min_token_len, `${field}.min_token_len`)
  const most = lengthAt(options.max_token_len, `${field}.max_token_len`)
  const stemmer = stemmerOf(options.stemmer, language, field)
  return {
    tokenizer,
    lowercase: flagAt(options.lowercase, true, `${field}.lowercase`),
    asciiFolding: flagAt(options.ascii_folding, false, `${field}.ascii_folding`),
    stopwords: stopwordsAt(options.stopwords, language, field),
    ...(stemmer ? { stemmer: { type: 'snowball', language: stemmer } } : {}),
    ...(least === undefined ? {} : { minTokenLen: least }),
    ...(most === undefined ? {} : { maxTokenLen: most }),
  }
}

/** null if no language is wanted. If the language has no stemmer or no stop words, texts go without. */
function defaultLanguage(told: unknown, field: string): string | null {
  const language = told ?? DEFAULT_LANGUAGE
  if (language === NO_LANGUAGE) return null
  const known = typeof language === 'string' ? languageOf(language) : undefined
  if (known === undefined) throw invalid(field, 'expected a language of stop words or stems', language)
  return known
}

function hasStems(language: string | undefined | null): language is SnowballLanguage {
  return SNOWBALL_LANGUAGES.includes(language as SnowballLanguage)
}

function hasStopwords(language: string | undefined | null): language is StopwordLanguage {
  return STOPWORD_LANGUAGES.includes(language as StopwordLanguage) && stopwordsOf(language as StopwordLanguage) !== null
}

function stopwordsAt(stopwords: Bm25Options['stopwords'], language: string | null, field: string): Stopwords {
  if (stopwords === undefined || stopwords === null) return { languages: hasStopwords(language) ? [language] : [] }
  if (typeof stopwords === 'string') return { languages: [wordsAt(stopwords, `${field}.stopwords`)] }
  if (typeof stopwords !== 'object' || Array.isArray(stopwords)) {
    throw invalid(`${field}.stopwords`, 'expected a language, or an object { languages, custom }', stopwords)
  }
  const told = textsAt(stopwords.languages, `${field}.stopwords.languages`)
  const languages = told.map((one, i) => wordsAt(one, `${field}.stopwords.languages[${i}]`))
  return { languages: [...new Set(languages)], custom: textsAt(stopwords.custom, `${field}.stopwords.custom`) }
}

function wordsAt(told: string, field: string): StopwordLanguage {
  const language = languageOf(told)
  if (hasStopwords(language)) return language
  throw invalid(field, `expected one of ${STOPWORD_LANGUAGES.filter(hasStopwords).join(', ')}`, told)
}

function stemmerOf(
  stemmer: Bm25Options['stemmer'],
  language: string | null,
  field: string,
): SnowballLanguage | undefined {
  if (stemmer === undefined || stemmer === null) return hasStems(language) ? language : undefined
  if (typeof stemmer !== 'object') throw invalid(`${field}.stemmer`, 'expected an object', stemmer)
  if (stemmer.type === 'none') return undefined
  if (stemmer.type !== 'snowball') throw invalid(`${field}.stemmer.type`, 'expected one of snowball, none', stemmer)
  const told = stemmer.language as unknown
  const known = typeof told === 'string' ? languageOf(told) : undefined
  if (hasStems(known)) return known
  throw invalid(`${field}.stemmer.language`, `expected one of ${SNOWBALL_LANGUAGES.join(', ')}`, told)
}

function textsAt(value: unknown, field: string): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(field, 'expected an array of texts', value)
  if (value.length > LIMITS.stopwords) {
    throw invalid(field, `expected at most ${LIMITS.stopwords} texts`, value.length)
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

function lengthAt(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(field, 'expected an integer of at least 0', value)
  }
  // No text has a longer token.
  return Math.min(value, LIMITS.documentLength)
}

function numberAt(value: unknown, otherwise: number, least: number, most: number, field: string): number {
  if (value === undefined || value === null) return otherwise
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw invalid(field, `expected a number from ${least} to ${most}`, value)
}

/** The name of a language given by its name or its code; undefined if it is unknown. */
function languageOf(told: string): string | undefined {
  const lower = told.toLowerCase()
  if (LANGUAGES.has(lower)) return lower
  return Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined
}
