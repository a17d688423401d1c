import { UsageError } from './usage-error.js'

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']
const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i

/** A readable size, such as `61.4 MB`. */
export function formatBytes(count: number): string {
  const power = count < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(count) / 3))
  return `${power === 0 ? count : (count / 1000 ** power).toFixed(1)} ${UNITS[power]}`
}

/** Parses `2GiB`, `500 MB`, `1.5g` or plain bytes. */
export function parseBytes(text: string, flag: string): number {
  const [, number, unit = '', binary] = SIZE.exec(text.trim()) ?? []
  if (number === undefined) throw new UsageError(`${flag}: expected a size such as 2GiB or 500MB, got ${text}`)
  const power = ' kmgt'.indexOf(unit.toLowerCase() || ' ')
  return Math.round(Number(number) * (binary ? 1024 : 1000) ** power)
}
