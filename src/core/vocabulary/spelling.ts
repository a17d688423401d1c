/** The two spellings of a name: camelCase in the library, snake_case on the wire. */

/** Floating-point texts of the wire have no exponent below it. */
const LEAST_WITH_EXPONENT = 1e16

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** A sentence of our own with names of options in the wire's spelling. A value that it tells ("got ...") stays as it is. */
export function inWireWords(sentence: string): string {
  const end = sentence.indexOf(', got ')
  const own = end < 0 ? sentence : sentence.slice(0, end)
  return own.replace(/\b[a-z]+(?:[A-Z][a-z0-9]*)+\b/g, snakeCase) + sentence.slice(own.length)
}

/** A rule that is no bound, as Qdrant tells those without parameters. */
export function ruleOfShape(sentence: string): string {
  return `Validation error: ${sentence} [{}]`
}

/** A number of a floating-point field, which always has a decimal point or an exponent. */
export function floatText(value: number): string {
  if (!Number.isInteger(value)) return String(value)
  return Math.abs(value) < LEAST_WITH_EXPONENT ? value.toFixed(1) : value.toExponential().replace('+', '')
}

/** A value with all its names in the other spelling. It is only for values without callers' names. */
export function respelled(value: unknown, spell: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => respelled(one, spell))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [spell(name), respelled(one, spell)]))
}

/** The same for `with_vectors` and `withVector`: names with the same letters are meant as the same. */
export function letters(name: string): string {
  return name.replaceAll('_', '').toLowerCase().replace(/s$/, '')
}
