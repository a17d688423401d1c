/** Colours of points by the values of a payload key. */
import { ask } from '../service/session'
import type { Point, PointId } from '../service/types'

const AT_ONCE = 1_000
/** Colours that people tell apart in dark and light; the first is of points without a value, or with a rare one. */
export const PALETTE = [
  '#8a939c',
  '#3d7bd9',
  '#e2733d',
  '#3f9b52',
  '#a05cc8',
  '#c9a227',
  '#17a2a8',
  '#d6518f',
  '#8c6239',
]
const NAMED = PALETTE.length - 1

export interface Colours {
  /** For each point an index into PALETTE. */
  of: Uint8Array
  /** Names of the colours in use, in the order of PALETTE. */
  names: { name: string; points: number; colour: number }[]
  /** Of each point its value as a text, where it has one. */
  texts: (string | null)[]
}

/** Values of a key, point by point. */
export async function valuesOf(
  path: string,
  ids: readonly PointId[],
  key: string,
  signal: AbortSignal,
): Promise<unknown[]> {
  const values: unknown[] = new Array(ids.length).fill(undefined)
  const placeOf = new Map(ids.map((id, place) => [id, place]))
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const body = { ids: ids.slice(from, from + AT_ONCE), with_payload: [key] }
    for (const { id, payload } of await ask<Point[]>('POST', `${path}/points`, body, signal)) {
      const value = at(payload, key)
      values[placeOf.get(id) as number] = typeof value === 'bigint' ? Number(value) : value
    }
  }
  return values
}

function at(payload: unknown, key: string): unknown {
  if (payload === null || typeof payload !== 'object') return undefined
  const fields = payload as Record<string, unknown>
  if (key in fields) return fields[key]
  const dot = key.indexOf('.')
  return dot < 0 ? undefined : at(fields[key.slice(0, dot)], key.slice(dot + 1))
}

/** The most frequent values each get a colour; numbers with many values, equal parts of their order. */
export function coloursOf(values: readonly unknown[]): Colours {
  const numbers = values.filter((value) => typeof value === 'number')
  const hasMany = new Set(numbers).size > NAMED && numbers.length * 2 > values.length
  const texts = hasMany ? partsOf(values, numbers) : values.map(textOf)
  const counts = new Map<string, number>()
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1)
  const ranked = [...counts].sort((a, b) => b[1] - a[1]).slice(0, NAMED)
  const colourOf = new Map(ranked.map(([name], rank) => [name, rank + 1]))
  const of = Uint8Array.from(texts, (text) => (text === null ? 0 : (colourOf.get(text) ?? 0)))
  const others = of.filter((colour) => colour === 0).length
  const names = ranked.map(([name, points], rank) => ({ name, points, colour: rank + 1 }))
  if (others > 0) names.push({ name: 'others', points: others, colour: 0 })
  return { of, names, texts }
}

function textOf(value: unknown): string | null {
  const one = Array.isArray(value) ? value[0] : value
  return one === undefined || one === null || typeof one === 'object' ? null : String(one)
}

function partsOf(values: readonly unknown[], numbers: readonly number[]): (string | null)[] {
  const sorted = Float64Array.from(numbers).sort()
  const bounds = Array.from(
    { length: NAMED - 1 },
    (_, part) => sorted[Math.floor(((part + 1) * sorted.length) / NAMED)] as number,
  )
  const edges = [sorted[0] as number, ...bounds, sorted[sorted.length - 1] as number]
  return values.map((value) => {
    if (typeof value !== 'number') return null
    const part = bounds.findIndex((bound) => value < bound)
    const from = part < 0 ? NAMED - 1 : part
    return `${edges[from]?.toPrecision(4)} to ${edges[from + 1]?.toPrecision(4)}`
  })
}

/** The value that most of these points have, if a third of them or more do. */
export function commonest(texts: readonly (string | null)[], members: Uint32Array): string | null {
  const counts = new Map<string, number>()
  for (const member of members) {
    const text = texts[member]
    if (text) counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const [best] = [...counts].sort((a, b) => b[1] - a[1])
  return best && best[1] * 3 >= members.length ? best[0] : null
}
