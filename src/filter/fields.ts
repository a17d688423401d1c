import { describeValue, invalid } from '../core/errors.js'

/** An object of an untrusted filter. Its keys are read only after they were checked to be own properties. */
export type Fields = Record<string, unknown>

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

export function objectAt(value: unknown, field: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(field, 'expected an object', value)
  }
  return value as Fields
}

export function checkKeys(fields: Fields, allowed: readonly string[], field: string): void {
  for (const key of Object.keys(fields)) {
    if (allowed.includes(key)) continue
    throw invalid(`${field}.${describeValue(key).slice(1, -1)}`, `unknown key, expected one of ${allowed.join(', ')}`)
  }
}

export function finiteAt(value: unknown, field: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw invalid(field, 'expected a finite number', value)
  return number
}
