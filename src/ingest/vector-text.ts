/** Vectors as JSON: numbers where JSON can hold them, else their float32s as base64. */
import { numbersJson } from '../native/vectors.js'

/** A vector as it was given, of any shape. */
export function vectorJson(vector: unknown): string {
  if (ArrayBuffer.isView(vector)) return floatsJson(Float32Array.from(vector as unknown as ArrayLike<number>))
  if (Array.isArray(vector)) {
    if (vector.some((part) => typeof part === 'object')) return `[${vector.map(vectorJson).join(',')}]`
    return vector.every(isHeld) ? JSON.stringify(vector) : floatsJson(Float32Array.from(vector as number[]))
  }
  if (vector === null || typeof vector !== 'object') return JSON.stringify(vector) ?? 'null'
  return `{${Object.entries(vector)
    .map(([key, part]) => `${JSON.stringify(key)}:${vectorJson(part)}`)
    .join(',')}}`
}

export function floatsJson(floats: Float32Array): string {
  if (floats.every(Number.isFinite)) return `[${numbersJson(floats)}]`
  const bytes = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  return JSON.stringify({ base64: bytes.toString('base64') })
}

function isHeld(value: unknown): boolean {
  return typeof value !== 'number' || Number.isFinite(value)
}
