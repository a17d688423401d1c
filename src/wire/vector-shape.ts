/** Rules of a vector by itself, whatever the collection: Qdrant tells them with the other rules of a body's shape. */
import type { MultiVector, NamedVector, SparseVector, Vector } from '../core/point.js'
import { ruleOfShape } from '../core/vocabulary/spelling.js'
import { bytesAt } from './fields.js'

export interface BrokenRule {
  /** The part of the vector that breaks the rule, as the paths of violations name it. */
  readonly part: 'data' | 'indices' | 'values'
  readonly rule: string
}

const NONE: readonly BrokenRule[] = []

export function brokenRules(vector: NamedVector): readonly BrokenRule[] {
  if (Array.isArray(vector)) return isListOfVectors(vector) ? rulesOfRows(vector as MultiVector) : NONE
  return 'indices' in vector ? rulesOfSparse(vector as SparseVector) : NONE
}

function rulesOfRows(rows: MultiVector): readonly BrokenRule[] {
  const size = (rows[0] as Vector).length
  if (rows.some(({ length }) => length === 0)) return [{ part: 'data', rule: 'all vectors must be non-empty' }]
  const odd = rows.find(({ length }) => length !== size)
  if (odd === undefined) return NONE
  const rule = `all vectors must have the same dimension, found vector with dimension ${odd.length}`
  return [{ part: 'data', rule }]
}

function rulesOfSparse({ indices, values }: SparseVector): readonly BrokenRule[] {
  const broken: BrokenRule[] = []
  if (indices.length !== values.length)
    broken.push({ part: 'values', rule: ruleOfShape('must be the same length as indices') })
  if (!areDistinct(indices)) broken.push({ part: 'indices', rule: ruleOfShape('must be unique') })
  return broken
}

/** Indices mostly ascend, which takes no set. Of points they may be no numbers yet, which is refused as their type. */
function areDistinct(indices: ArrayLike<unknown>): boolean {
  let before = -1
  for (let at = 0; at < indices.length; at++) {
    const index = indices[at]
    if (typeof index !== 'number') return true
    if (index <= before) return new Set(Array.from(indices)).size === indices.length
    before = index
  }
  return true
}

/** Tells a multivector from a vector of numbers. */
export function isListOfVectors(value: readonly unknown[]): boolean {
  return Array.isArray(value[0]) || bytesAt(value[0]) !== null
}
