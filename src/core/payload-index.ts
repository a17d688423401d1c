/** The options of payload indexes. */
import type { MemoryPlacement } from './memory.js'

export type PayloadIndexKind = 'keyword' | 'integer' | 'float' | 'bool' | 'datetime' | 'uuid' | 'geo' | 'text'
export const PAYLOAD_INDEX_KINDS: readonly PayloadIndexKind[] = [
  'keyword',
  'integer',
  'float',
  'bool',
  'datetime',
  'uuid',
  'geo',
  'text',
]

/** A kind with its parameters. */
export type PayloadIndexOptions = { type: PayloadIndexKind } & PayloadIndexParams

/** Parameters of a payload index, kept and returned. Those without an effect say so. */
export interface PayloadIndexParams {
  /** Keyword, UUID: the field divides the collection into tenants. Only strict mode uses it. */
  isTenant?: boolean
  /** Integer, float, date-time: most filters use the field. No effect. */
  isPrincipal?: boolean
  /** Postings of rows in segment files are in mapped files beside these, not in memory. */
  onDisk?: boolean
  /** `cold` means on disk, the others in memory. It overrides `onDisk`. */
  memory?: MemoryPlacement
  /** Keyword: values that many queries name may get a graph of their own. Default true. No effect for other kinds. */
  enableHnsw?: boolean
  /** Keyword: support for `match.prefix`, which every keyword index has here. No effect. */
  prefix?: boolean
  /** Integer: support for `match` and for `range`; at least one must be true. Only strict mode uses them. */
  lookup?: boolean
  /** Whether ranges of integers are looked up. Default true. */
  range?: boolean
  /** Text: how texts are split. Default `word`. */
  tokenizer?: Tokenizer
  /** Text: least and most characters of a token. */
  minTokenLen?: number
  /** Most characters of a word; longer words are not indexed. */
  maxTokenLen?: number
  /** Text: folds to lower case. Default true. */
  lowercase?: boolean
  /** Text: removes accents from Latin letters. Default false. */
  asciiFolding?: boolean
  /** Text: support for `match.phrase`, which every text index has here. No effect. */
  phraseMatching?: boolean
  /** Words that a text index leaves out; default none. */
  stopwords?: StopwordLanguage | Stopwords
  /** The stemmer of a text index; default none. */
  stemmer?: { type: 'snowball'; language: SnowballLanguage } | { type: 'none' }
}

const COMMON = ['onDisk', 'memory', 'enableHnsw'] as const
export const PAYLOAD_INDEX_PARAMS: Readonly<Record<PayloadIndexKind, readonly (keyof PayloadIndexParams)[]>> = {
  keyword: [...COMMON, 'isTenant', 'prefix'],
  integer: [...COMMON, 'isPrincipal', 'lookup', 'range'],
  float: [...COMMON, 'isPrincipal'],
  bool: COMMON,
  datetime: [...COMMON, 'isPrincipal'],
  uuid: [...COMMON, 'isTenant'],
  geo: COMMON,
  text: [
    ...COMMON,
    'tokenizer',
    'minTokenLen',
    'maxTokenLen',
    'lowercase',
    'asciiFolding',
    'phraseMatching',
    'stopwords',
    'stemmer',
  ],
}

/** The wire's spelling of a parameter, such as `min_token_len`. */
export function wireName(param: string): string {
  return param.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Words that are left out. */
export interface Stopwords {
  /** Languages whose stop words are left out. */
  languages?: readonly StopwordLanguage[] | null
  /** Further words. */
  custom?: readonly string[] | null
}

export const TOKENIZERS = ['word', 'whitespace', 'prefix', 'multilingual'] as const
export type Tokenizer = (typeof TOKENIZERS)[number]

/** In the order of StemLanguage in native/text/stemmer.hpp, which begins with none. */
export const SNOWBALL_LANGUAGES = [
  'arabic',
  'armenian',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hungarian',
  'italian',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
] as const
export type SnowballLanguage = (typeof SNOWBALL_LANGUAGES)[number]

export const STOPWORD_LANGUAGES = [
  'arabic',
  'azerbaijani',
  'basque',
  'bengali',
  'catalan',
  'chinese',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hebrew',
  'hinglish',
  'hungarian',
  'indonesian',
  'italian',
  'japanese',
  'kazakh',
  'nepali',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'slovene',
  'spanish',
  'swedish',
  'tajik',
  'turkish',
] as const
export type StopwordLanguage = (typeof STOPWORD_LANGUAGES)[number]
