/** The checks of rules: each finds the rows of a batch that break a rule, and knows how to mend them. */
import { renameField } from '../core/error-field.js'
import { describeValue, invalid, type VicinalError } from '../core/errors.js'
import type { Check, Fix, IngestionRule } from '../core/ingestion-rules.js'
import { LIMITS } from '../core/limits.js'
import { ID_WORDS, UNNAMED_VECTOR } from '../core/point.js'
import { isSparse, type ResolvedVector } from '../core/schema.js'
import { nearEarlier, prepareVectors } from '../native/vectors.js'
import { type Breach, type CheckedBatch, rangeOf } from './checked-batch.js'
import type { LeftOutVector, RefusedRow } from './flaws.js'
import { payloadBreaches } from './payload-check.js'
import type { InspectedColumn, VectorAt } from './vector-facts.js'

type Find = (rule: IngestionRule, batch: CheckedBatch) => Iterable<Breach> | AsyncIterable<Breach>

const CHECKS: Readonly<Record<Check, Find>> = {
  finite,
  zero,
  dimension,
  norm,
  duplicate,
  near_duplicate: nearDuplicate,
  missing,
  payload: payloadBreaches,
}

export function checkOf({ check }: IngestionRule): Find {
  return CHECKS[check]
}

function columnsOf({ vector }: IngestionRule, { inspected }: CheckedBatch): readonly InspectedColumn[] {
  return vector === undefined ? inspected : inspected.filter(({ name }) => name === vector)
}

function fieldOf(vector: string): string {
  return vector === UNNAMED_VECTOR ? 'vector' : `vector.${vector}`
}

/** A breach by a vector of a column. `mend` has the fixes besides `drop`. */
function breachOf(
  column: InspectedColumn,
  { index, position, row }: VectorAt,
  error: VicinalError,
  mend: (fix: Fix, index: number) => boolean = () => false,
  isBroken: (index: number) => boolean = () => true,
): Breach {
  return {
    row,
    error,
    remains: () => !column.dropped.has(position) && isBroken(index),
    mend(fix) {
      if (fix !== 'drop') return mend(fix, index)
      column.dropped.add(position)
      return true
    },
  }
}

/** Vectors that are in no column, for want of a number or a dimension. */
function* leftOutBreaches({ vector }: IngestionRule, batch: CheckedBatch, check: Check): Generator<Breach> {
  for (const left of batch.leftOut) {
    const { row, name, error } = left
    if (left.isDropped || error.check !== check || (vector !== undefined && vector !== name)) continue
    const mend = (fix: Fix) => {
      if (fix === 'drop') left.isDropped = true
      return fix === 'drop'
    }
    yield { row, error: leftOutError(left), mend, remains: () => !left.isDropped }
  }
}

/** Told of the vector, and not of its place in the batch. */
function leftOutError({ name, error }: LeftOutVector): VicinalError {
  return renameField(error, () => fieldOf(name)) as VicinalError
}

function notFinite(column: InspectedColumn): VicinalError {
  const { datatype = 'float32' } = column.schema as ResolvedVector
  return invalid(fieldOf(column.name), `expected finite numbers that ${datatype} can hold, got NaN, infinity or beyond`)
}

function* finite(rule: IngestionRule, batch: CheckedBatch): Generator<Breach> {
  for (const column of columnsOf(rule, batch)) {
    if (!column.range.hasFlags) continue
    const { flags } = column.facts
    const isBroken = (index: number) => flags[index] !== 0
    const clamp = (_: Fix, index: number) => column.clampComponents(index)
    for (const at of column.broken(isBroken)) yield breachOf(column, at, notFinite(column), clamp, isBroken)
  }
  yield* leftOutBreaches(rule, batch, 'finite')
}

function* dimension(rule: IngestionRule, batch: CheckedBatch): Generator<Breach> {
  yield* leftOutBreaches(rule, batch, 'dimension')
}

function* zero(rule: IngestionRule, batch: CheckedBatch): Generator<Breach> {
  for (const column of columnsOf(rule, batch)) {
    if (column.range.leastNorm > 0) continue
    const { norms } = column.facts
    for (const at of column.broken((index) => norms[index] === 0))
      yield breachOf(column, at, invalid(fieldOf(column.name), 'expected a vector that is not zero'))
  }
}

/** A float32 vector that was scaled to a bound lies up to so much beyond it. */
const NORM_SLACK = 1e-6

function* norm(rule: IngestionRule, batch: CheckedBatch): Generator<Breach> {
  const { min = 0, max = Number.POSITIVE_INFINITY } = rule
  const expected = `expected a norm ${rangeOf(rule)}`
  for (const column of columnsOf(rule, batch)) {
    const { leastNorm, mostNorm } = column.range
    if (leastNorm >= min && mostNorm <= max) continue
    const { norms, flags } = column.facts
    // The norm of a vector that is not finite is none: the check `finite` is for it.
    const isOutside = (index: number) => {
      const size = norms[index] as number
      return flags[index] === 0 && (size < min * (1 - NORM_SLACK) || size > max * (1 + NORM_SLACK))
    }
    for (const at of column.broken(isOutside)) {
      const size = norms[at.index] as number
      const bound = size < min ? min : max
      const error = invalid(fieldOf(column.name), expected, size)
      const scale = (fix: Fix, index: number) => column.scaleTo(index, fix === 'normalise' ? 1 : bound)
      yield breachOf(column, at, error, scale, isOutside)
    }
  }
}

function* duplicate(rule: IngestionRule, batch: CheckedBatch): Generator<Breach> {
  const window = rule.window ?? LIMITS.duplicateWindowDefault
  for (const column of columnsOf(rule, batch)) {
    for (const { position, row, first } of column.repeated) {
      if (column.dropped.has(position) || batch.numberOf(row) - first > window) continue
      const error = invalid(fieldOf(column.name), `expected another vector than that of row ${first}`)
      yield breachOf(column, { index: position, position, row }, error)
    }
  }
}

async function* nearDuplicate(rule: IngestionRule, batch: CheckedBatch): AsyncGenerator<Breach> {
  const threshold = rule.threshold as number
  const numberOf = (at: VectorAt | undefined) => batch.numberOf((at as VectorAt).row)
  for (const column of columnsOf(rule, batch)) {
    const { schema, facts } = column
    if (isSparse(schema) || schema.multivectorConfig) continue
    const isSimilarity = schema.distance === 'Cosine' || schema.distance === 'Dot'
    const asked = [...column.broken((index) => facts.flags[index] === 0)].filter(({ row }) => batch.isOpen(row))
    const floats = new Float32Array(asked.length * schema.size)
    for (const [at, { index }] of asked.entries()) floats.set(column.floats(index), at * schema.size)
    const ids = new Uint32Array(asked.length * ID_WORDS)
    for (const [at, { row }] of asked.entries())
      ids.set(batch.columns.ids.subarray(row * ID_WORDS, (row + 1) * ID_WORDS), at * ID_WORDS)
    const found = await batch.nearest(column.name, floats, ids, threshold)
    // Cosine compares vectors of unit length.
    if (schema.distance === 'Cosine') await prepareVectors(floats, schema.size, true)
    const given = { data: floats, ids }
    const together = await nearEarlier(given, schema, threshold, LIMITS.nearDuplicateRows, (at) => found[at] !== null)
    for (const [at, one] of asked.entries()) {
      const stored = found[at] ?? null
      const earlier = together[at] ?? null
      if (stored === null && earlier === null) continue
      const other = stored ? `point ${describeValue(stored.id)}` : `row ${numberOf(asked[earlier?.at as number])}`
      const expected = `expected no vector ${isSimilarity ? 'of at least' : 'within'} ${threshold}`
      const what = `${expected}, got ${other} with ${stored?.score ?? earlier?.score}`
      yield breachOf(column, one, invalid(fieldOf(column.name), what))
    }
  }
}

function* missing(rule: IngestionRule, batch: CheckedBatch): Generator<Breach> {
  for (const { name } of batch.schema) {
    if (rule.vector !== undefined && rule.vector !== name) continue
    const column = batch.inspected.find((candidate) => candidate.name === name)
    if (column?.column.rows === null && column.dropped.size === 0) continue
    const present = new Uint8Array(batch.columns.count)
    if (column) for (const { row } of column.broken(() => true)) present[row] = 1
    for (const left of batch.leftOut) if (left.name === name && !left.isDropped) present[left.row] = 1
    for (let row = 0; row < present.length; row++) {
      if (present[row] === 1) continue
      const error = invalid(fieldOf(name), 'expected a vector', null)
      yield { row, error, mend: () => false, remains: () => true }
    }
  }
}

/** Vectors that no rule has mended and that cannot be stored. */
export function* unstorable(batch: CheckedBatch): Generator<RefusedRow> {
  for (const column of batch.inspected) {
    if (!column.range.hasFlags) continue
    const { flags } = column.facts
    for (const { row } of column.broken((index) => flags[index] !== 0)) yield { row, error: notFinite(column) }
  }
  for (const left of batch.leftOut) if (!left.isDropped) yield { row: left.row, error: leftOutError(left) }
}
