/** Names of languages by their ISO 639-1 codes. */
const NAMES: Readonly<Record<string, string>> = {
  ar: 'arabic',
  hy: 'armenian',
  da: 'danish',
  nl: 'dutch',
  en: 'english',
  fi: 'finnish',
  fr: 'french',
  de: 'german',
  el: 'greek',
  hu: 'hungarian',
  id: 'indonesian',
  it: 'italian',
  ne: 'nepali',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  es: 'spanish',
  sv: 'swedish',
  ta: 'tamil',
  tr: 'turkish',
}

export const LANGUAGES: readonly string[] = Object.values(NAMES)

/** The name of a language that is told by its name or its code; undefined where it is none of ours. */
export function languageOf(told: string): string | undefined {
  const lower = told.toLowerCase()
  if (LANGUAGES.includes(lower)) return lower
  return Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined
}
