import { readBm25Options } from '../core/bm25.js'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import {
  type PayloadIndexParams,
  SNOWBALL_LANGUAGES,
  type SnowballLanguage,
  STOPWORD_LANGUAGES,
  type StopwordLanguage,
  type Stopwords,
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
  const given = readBm25Options(options, field, 'library')
  const settings = { text: encodeTextOptions(paramsOf(given, field)), weights: weightsOf(given) }
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

type Given = ReturnType<typeof readBm25Options>

function weightsOf({ k, b, avgLen }: Given): TextWeights {
  return {
    k: k ?? DEFAULT_WEIGHTS.k,
    b: b ?? DEFAULT_WEIGHTS.b,
    averageLength: avgLen ?? DEFAULT_WEIGHTS.averageLength,
  }
}

function paramsOf(options: Given, field: string): PayloadIndexParams {
  const { tokenizer = 'word', lowercase = true, asciiFolding = false, minTokenLen: least, maxTokenLen: most } = options
  const language = defaultLanguage(options.language ?? DEFAULT_LANGUAGE, `${field}.language`)
  const stemmer = stemmerOf(options.stemmer, language, field)
  return {
    ...{ tokenizer, lowercase, asciiFolding },
    stopwords: stopwordsAt(options.stopwords, language, field),
    ...(stemmer ? { stemmer: { type: 'snowball', language: stemmer } } : {}),
    // No text has a longer token.
    ...(least === undefined ? {} : { minTokenLen: Math.min(least, LIMITS.documentLength) }),
    ...(most === undefined ? {} : { maxTokenLen: Math.min(most, LIMITS.documentLength) }),
  }
}

/** null if no language is wanted. If the language has no stemmer or no stop words, texts go without. */
function defaultLanguage(told: string, field: string): string | null {
  if (told === NO_LANGUAGE) return null
  const known = languageOf(told)
  if (known === undefined) throw invalid(field, 'expected a language of stop words or stems', told)
  return known
}

function hasStems(language: string | undefined | null): language is SnowballLanguage {
  return SNOWBALL_LANGUAGES.includes(language as SnowballLanguage)
}

function hasStopwords(language: string | undefined | null): language is StopwordLanguage {
  return STOPWORD_LANGUAGES.includes(language as StopwordLanguage) && stopwordsOf(language as StopwordLanguage) !== null
}

function stopwordsAt(stopwords: Given['stopwords'], language: string | null, field: string): Stopwords {
  if (stopwords === undefined) return { languages: hasStopwords(language) ? [language] : [] }
  if (typeof stopwords === 'string') return { languages: [wordsAt(stopwords, `${field}.stopwords`)] }
  const { languages = [], custom = [] } = stopwords
  const known = languages.map((one, i) => wordsAt(one, `${field}.stopwords.languages[${i}]`))
  return { languages: [...new Set(known)], custom }
}

function wordsAt(told: string, field: string): StopwordLanguage {
  const language = languageOf(told)
  if (hasStopwords(language)) return language
  throw invalid(field, `expected one of ${STOPWORD_LANGUAGES.filter(hasStopwords).join(', ')}`, told)
}

function stemmerOf(stemmer: Given['stemmer'], language: string | null, field: string): SnowballLanguage | undefined {
  if (stemmer === undefined) return hasStems(language) ? language : undefined
  if (stemmer.type === 'none') return undefined
  const known = languageOf(stemmer.language)
  if (hasStems(known)) return known
  throw invalid(`${field}.stemmer.language`, `expected one of ${SNOWBALL_LANGUAGES.join(', ')}`, stemmer.language)
}

/** The name of a language given by its name or its code; undefined if it is unknown. */
function languageOf(told: string): string | undefined {
  const lower = told.toLowerCase()
  if (LANGUAGES.has(lower)) return lower
  return Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined
}
