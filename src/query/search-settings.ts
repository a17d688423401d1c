import { invalid, noSuchVector } from '../core/errors.js'
import { UNNAMED_VECTOR } from '../core/point.js'
import type { IdfParams, QuantizationParams, QueryStage } from '../core/query.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { type FilterContext, parseFilter } from '../filter/parse.js'
import type { CodeUse } from '../native/addon.js'

const DEFAULT_RECALL = 0.95

/** The effort of a search, in the kernel's form. */
export interface SearchSettings {
  ef: number
  recall: number
  exact: boolean
  codes: CodeUse | null
  indexedOnly: boolean
}

/** `byDefault` is the recall that the collection's configuration names for the searched vector, if any. */
export function settingsOf({ params, recall }: QueryStage, byDefault: number = DEFAULT_RECALL): SearchSettings {
  const { hnswEf: ef = 0, exact = false, indexedOnly = false, quantization } = params ?? {}
  const asked = recall ?? params?.recall ?? byDefault
  return {
    ef,
    recall: asked,
    exact: exact || (ef === 0 && asked === 1),
    codes: codeUseOf(quantization),
    indexedOnly,
  }
}

/** null if the caller set nothing about codes. */
function codeUseOf(asked: QuantizationParams | undefined): CodeUse | null {
  if (asked === undefined) return null
  const { ignore = false, rescore = true, oversampling = 0 } = asked
  return { ignore, rescore, oversampling }
}

/**
 * Filter whose matches define IDF; null: all points. `vector` is the searched vector, if any. Refused if the vector
 * does not use IDF, because scores would differ from those asked for.
 */
export function corpusOf(
  idf: IdfParams | undefined,
  vector: SchemaVector | undefined,
  context: FilterContext,
  at = '',
): FilterNode | null {
  if (idf === undefined || vector === undefined) return null
  const field = `${at}params.idf`
  if (!isSparse(vector) || vector.modifier !== 'idf') {
    const name = JSON.stringify(vector.name)
    const what = 'search param `idf` requires a sparse vector with the `idf` modifier'
    throw invalid(field, `${what}, which vector ${name} is not`)
  }
  return idf === 'global' ? null : parseFilter(idf.corpus, context, `${field}.corpus`)
}

export function vectorIndex(using: string | undefined, schema: readonly SchemaVector[], at = ''): number {
  const index = vectorAt(using, schema)
  if (index >= 0) return index
  if (using !== undefined) throw noSuchVector(`${at}using`, using)
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

/** Of values that no declaration has read. */
export function finite(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'expected a finite number', value)
  return value
}

/** The recall that a search goes for; undefined where another setting decides. */
export function askedRecallOf({ ef, exact, recall }: SearchSettings, isSparse: boolean): number | undefined {
  return isSparse || ef > 0 || (exact && recall < 1) ? undefined : recall
}
