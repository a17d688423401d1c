import { UsageError } from '../terminal/usage-error.js'

const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i

/** Parses `2GiB`, `500 MB`, `1.5g` or plain bytes. */
export function parseBytes(text: string, flag: string): number {
  const [, number, unit = '', binary] = SIZE.exec(text.trim()) ?? []
  if (number === undefined) throw new UsageError(`${flag}: expected a size such as 2GiB or 500MB, got ${text}`)
  const power = ' kmgt'.indexOf(unit.toLowerCase() || ' ')
  return Math.round(Number(number) * (binary ? 1024 : 1000) ** power)
}
