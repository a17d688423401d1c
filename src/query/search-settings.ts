import { invalid, noSuchVector } from '../core/errors.js'
import { checkParams } from '../core/known-query.js'
import { LIMITS } from '../core/limits.js'
import { UNNAMED_VECTOR } from '../core/point.js'
import type { AcornParams, IdfParams, QuantizationParams, QueryParams } from '../core/query.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { type FilterContext, parseFilter } from '../filter/parse.js'
import type { CodeUse } from '../native/addon.js'

const DEFAULT_RECALL = 0.95
export const DEFAULT_LIMIT = 10

/** The effort of a search, in the kernel's form. */
export interface SearchSettings {
  ef: number
  recall: number
  exact: boolean
  codes: CodeUse | null
  indexedOnly: boolean
}

/** `at` is the path of the stage in the query, with a dot at its end. */
export function settingsOf(
  stage: { params?: QueryParams | null | undefined; recall?: number | undefined },
  at = '',
): SearchSettings {
  checkParams(stage.params, at)
  const { hnsw_ef, exact, indexed_only, quantization, acorn } = stage.params ?? {}
  checkAcorn(acorn, `${at}params.acorn`)
  const ef = hnsw_ef === undefined ? 0 : bounded(hnsw_ef, 1, LIMITS.ef, `${at}params.hnsw_ef`)
  const recall = share(stage.recall ?? DEFAULT_RECALL, `${at}params.recall`)
  return {
    ef,
    recall,
    exact: exact === true || (ef === 0 && recall === 1),
    codes: codeUseOf(quantization, `${at}params.quantization`),
    indexedOnly: indexed_only === true,
  }
}

/** `acorn` has no effect, because the cost of each way decides. Invalid values are still refused. */
function checkAcorn(acorn: AcornParams | null | undefined, field: string): void {
  if (acorn === null || acorn === undefined) return
  if (typeof acorn !== 'object') throw invalid(field, 'expected an object', acorn)
  const { enable, max_selectivity: selectivity } = acorn
  if (typeof (enable ?? false) !== 'boolean') throw invalid(`${field}.enable`, 'expected true or false', enable)
  if (!((selectivity ?? 0) >= 0 && (selectivity ?? 0) <= 1)) {
    throw invalid(`${field}.max_selectivity`, 'expected a number from 0 to 1', selectivity)
  }
}

/**
 * Filter whose matches define IDF; null: all points. `vector` is the searched vector, if any. Refused if the vector
 * does not use IDF, because scores would differ from those asked for.
 */
export function corpusOf(
  idf: IdfParams | null | undefined,
  vector: SchemaVector | undefined,
  context: FilterContext,
  at = '',
): FilterNode | null {
  if (idf === undefined || idf === null || vector === undefined) return null
  const field = `${at}params.idf`
  if (!isSparse(vector) || vector.modifier !== 'idf') {
    const name = JSON.stringify(vector.name)
    const what = 'search param `idf` requires a sparse vector with the `idf` modifier'
    throw invalid(field, `${what}, which vector ${name} is not`)
  }
  if (idf === 'global') return null
  if (typeof idf !== 'object' || Array.isArray(idf) || !('corpus' in idf)) {
    throw invalid(field, 'expected "global" or { corpus: a filter }', idf)
  }
  const { corpus } = idf
  if (corpus === null || typeof corpus !== 'object') throw invalid(`${field}.corpus`, 'expected a filter', corpus)
  return parseFilter(corpus, context, `${field}.corpus`)
}

export function vectorIndex(using: string | undefined | null, schema: readonly SchemaVector[], at = ''): number {
  const index = vectorAt(using, schema)
  if (index >= 0) return index
  if (using !== undefined && using !== null) throw noSuchVector(`${at}using`, using)
  if (schema.length === 0) throw invalid(`${at}using`, 'the collection has no vectors', using)
  throw invalid(
    `${at}using`,
    `expected one of ${schema.map(({ name }) => name).join(', ')}: the collection has several vectors`,
  )
}

/** The same; -1 if no vector is meant. */
export function vectorAt(using: string | undefined | null, schema: readonly SchemaVector[]): number {
  if (using !== undefined && using !== null) return schema.findIndex(({ name }) => name === using)
  // The unnamed vector is meant, even if there are sparse vectors too.
  return schema.length === 1 ? 0 : schema.findIndex(({ name }) => name === UNNAMED_VECTOR)
}

export function bounded(value: unknown, least: number, most: number, field: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(field, `expected an integer from ${least} to ${most}`, value)
  }
  return value
}

/** null if none is given. */
export function thresholdOf(threshold: unknown, at = ''): number | null {
  if (threshold === undefined || threshold === null) return null
  return finite(threshold, `${at}score_threshold`)
}

export function finite(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'expected a finite number', value)
  return value
}

function share(value: unknown, field: string): number {
  if (typeof value !== 'number' || !(value > 0 && value <= 1)) {
    throw invalid(field, 'expected a number above 0 and at most 1', value)
  }
  return value
}

/** null if the caller set nothing about codes. */
function codeUseOf(asked: QuantizationParams | null | undefined, at: string): CodeUse | null {
  if (asked === undefined || asked === null) return null
  if (typeof asked !== 'object') throw invalid(at, 'expected an object', asked)
  const { oversampling } = asked
  const isGiven = oversampling !== undefined && oversampling !== null
  if (isGiven && !(typeof oversampling === 'number' && oversampling >= 1 && oversampling <= LIMITS.oversampling)) {
    throw invalid(`${at}.oversampling`, `expected a number from 1 to ${LIMITS.oversampling}`, oversampling)
  }
  return {
    ignore: flag(asked.ignore ?? false, `${at}.ignore`),
    rescore: flag(asked.rescore ?? true, `${at}.rescore`),
    oversampling: oversampling ?? 0,
  }
}

function flag(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'expected true or false', value)
  return value
}
