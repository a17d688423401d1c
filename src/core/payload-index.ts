/** What a payload index may be asked to be. */
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

/** A kind with what is said beside it. */
export type PayloadIndexOptions = { type: PayloadIndexKind } & PayloadIndexParams

/** Kept and told again. What changes something here is said; the rest is Qdrant's, and changes nothing. */
export interface PayloadIndexParams {
  /** Keyword, UUID: the field parts the collection into tenants. Strict mode alone asks for it. */
  isTenant?: boolean
  /** Integer, float, date-time: the field most filters ask for. Changes nothing here. */
  isPrincipal?: boolean
  /** What is in segment files is indexed in files beside them, which are mapped, instead of in memory. */
  onDisk?: boolean
  /** `cold` is on the disk, the others in memory; it holds where `onDisk` says otherwise. */
  memory?: MemoryPlacement
  /** Keyword: rows of a value that many queries name may have a graph of their own. Default true; of other kinds it changes nothing. */
  enableHnsw?: boolean
  /** Keyword: for `match.prefix`, which every keyword index answers here. */
  prefix?: boolean
  /** Integer: for `match` and for `range`, of which one has to be wanted. Strict mode alone asks for it. */
  lookup?: boolean
  range?: boolean
  /** Text; the default is `word`. */
  tokenizer?: Tokenizer
  /** Text: characters of a token. */
  minTokenLen?: number
  maxTokenLen?: number
  /** Text: default true. */
  lowercase?: boolean
  /** Text: Latin letters without their accents. */
  asciiFolding?: boolean
  /** Text: for `match.phrase`, which every text index answers here. */
  phraseMatching?: boolean
  stopwords?: StopwordLanguage | Stopwords
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

/** `minTokenLen` as the wire spells it. */
export function wireName(param: string): string {
  return param.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export interface Stopwords {
  languages?: readonly StopwordLanguage[] | null
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
