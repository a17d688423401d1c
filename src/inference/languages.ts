import { SNOWBALL_LANGUAGES, STOPWORD_LANGUAGES } from '../core/payload-index.js'

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

/** The name of a language given by its name or its code; undefined if it is unknown. */
export function languageOf(told: string): string | undefined {
  const lower = told.toLowerCase()
  if (LANGUAGES.has(lower)) return lower
  return Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined
}
