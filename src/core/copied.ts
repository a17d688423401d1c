/**
 * Copies of callers' values. A call stores and searches the values as they were when it was made. Its caller may change arrays and
 * objects once the call has returned, so values that are not read at once are copied first.
 */
import { LIMITS } from './limits.js'

class TooDeep extends Error {}

/**
 * A copy of arrays, of vectors and of plain objects; objects of classes stay as they are. A value nested too deep is
 * returned itself: its reader refuses it.
 */
export function copied<T>(value: T): T {
  try {
    return copyOf(value, 0) as T
  } catch (error) {
    if (error instanceof TooDeep) return value
    throw error
  }
}

function copyOf(value: unknown, depth: number): unknown {
  if (value === null || typeof value !== 'object') return value
  if (ArrayBuffer.isView(value)) return viewOf(value)
  const numbers = Array.isArray(value) && typeof value[0] === 'number' ? numbersOf(value) : null
  if (numbers !== null) return numbers
  if (value instanceof Date) return new Date(value)
  const isList = Array.isArray(value)
  if (!isList && !isPlainest(value)) return value
  if (depth > LIMITS.jsonDepth) throw new TooDeep()
  if (isList) {
    const copy: unknown[] = value.slice()
    for (let at = 0; at < copy.length; at++) if (typeof copy[at] === 'object') copy[at] = copyOf(copy[at], depth + 1)
    return copy
  }
  // A third of the time of `Object.fromEntries`: a filter may have as many conditions as its caller could make.
  const copy: Record<string, unknown> = { ...value }
  for (const key of Object.keys(copy)) if (typeof copy[key] === 'object') copy[key] = copyOf(copy[key], depth + 1)
  return copy
}

/** Null where the list has anything but numbers. Apart from `copyOf`, this loop reads lists of one kind, and is quick. */
function numbersOf(list: readonly unknown[]): unknown[] | null {
  const copy = list.slice()
  for (let at = 0; at < copy.length; at++) if (typeof copy[at] !== 'number') return null
  return copy
}

/** The bytes of a Buffer are copied too: its own `slice` would share them. */
function viewOf(value: ArrayBufferView): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  // One whose buffer was transferred is empty, and cannot be sliced.
  return value instanceof DataView || value.byteLength === 0 ? value : (value as Float32Array).slice()
}

/** Of another realm too. */
function isPlainest(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
