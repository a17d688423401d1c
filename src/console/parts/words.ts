/** Numbers as people read them. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function whole(value: number): string {
  return WHOLE.format(value)
}

/** Three digits: 1.24, 12.4, 124. */
export function short(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 100 || Number.isInteger(value)) return whole(value)
  return value.toFixed(magnitude >= 10 ? 1 : magnitude >= 0.1 ? 2 : 4)
}

const LEAST_DIGITS = 4
/** Digits of a score, which is a float of 32 bits. */
const MOST_DIGITS = 9

/** Numbers in their order, with four digits, or as many more as tell neighbours that differ apart. */
export function digitsApart(values: readonly (number | null)[]): string[] {
  for (let digits = LEAST_DIGITS; ; digits++) {
    const texts = values.map((value) => (value === null ? '' : digitsOf(value, digits)))
    const isApart = values.every((value, at) => at === 0 || value === values[at - 1] || texts[at] !== texts[at - 1])
    if (isApart || digits === MOST_DIGITS) return texts
  }
}

function digitsOf(value: number, digits: number): string {
  const text = value.toPrecision(digits)
  // Whole numbers keep all of their digits.
  return text.includes('e+') || Number.isInteger(value) ? String(value) : text
}

export function bytes(value: number): string {
  let at = 0
  while (value >= 1024 && at < UNITS.length - 1) {
    value /= 1024
    at++
  }
  return `${at === 0 ? whole(value) : short(value)} ${UNITS[at]}`
}

export function millis(seconds: number | null): string {
  return seconds === null ? '–' : `${short(seconds * 1000)} ms`
}

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(1)} %`
}

export function uptime(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}
