import { copied } from '../core/copied.js'
import type { ColumnarPoints } from '../core/database.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import { isDocument } from '../core/sparse.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { type DocumentAt, embedDocuments, noModel } from '../inference/bm25.js'
import { type Flaws, isOfRow } from './flaws.js'

/**
 * The points with texts replaced by sparse vectors. Points without texts are returned at once, as they are. Others are
 * copied, since their caller may change them before the texts are vectors. The input is not validated here: making
 * columns of it reports errors.
 */
export function inferVectors(points: unknown, schema: readonly SchemaVector[]): MaybePromise<unknown> {
  if (!schema.some(isSparse) || textsIn(points).next().done) return points
  const inferred = copied(points)
  return embed([...textsIn(inferred)], schema).then(() => inferred)
}

/** The same point by point: a point whose texts cannot be vectors is noted among the flaws, and others stay. */
export function inferEach(points: unknown, schema: readonly SchemaVector[], flaws: Flaws): MaybePromise<unknown> {
  const inferred = inferVectors(points, schema)
  if (!(inferred instanceof Promise) || !Array.isArray(points)) return inferred
  const own = copied(points)
  return inferred.catch(async (error: unknown) => {
    if (!isOfRow(error)) throw error
    const each: unknown[] = []
    for (const [row, point] of own.entries()) {
      try {
        each.push(((await inferVectors([point], schema)) as unknown[])[0])
      } catch (wrong) {
        if (!isOfRow(wrong)) throw wrong
        flaws.refused.set(row, wrong)
        each.push(null)
      }
    }
    return each
  })
}

/** A text, and the object or array that has it under `key`. */
interface TextAt extends DocumentAt {
  name: string
  within: Record<string | number, unknown>
  key: string | number
}

async function embed(texts: readonly TextAt[], schema: readonly SchemaVector[]): Promise<void> {
  for (const { document, name, field } of texts) {
    const known = schema.find((vector) => vector.name === name)
    if (known && !isSparse(known)) throw noModel(document, field)
  }
  const vectors = await embedDocuments(texts)
  for (const [at, { within, key }] of texts.entries()) within[key] = vectors[at]
}

/** Texts among the named vectors of points, or in their columns. */
function* textsIn(points: unknown): Generator<TextAt> {
  if (Array.isArray(points)) {
    for (let row = 0; row < points.length; row++) yield* textsAmong(points[row]?.vector, `points[${row}].vector.`)
    return
  }
  const vectors: unknown = (points as Partial<ColumnarPoints> | null | undefined)?.vectors
  if (!isPlain(vectors)) return
  for (const [name, column] of Object.entries(vectors)) {
    if (!Array.isArray(column)) continue
    for (let key = 0; key < column.length; key++) {
      const document: unknown = column[key]
      if (isDocument(document)) yield { document, field: `vectors.${name}[${key}]`, name, within: column as never, key }
    }
  }
}

function* textsAmong(vectors: unknown, at: string): Generator<TextAt> {
  if (!isPlain(vectors)) return
  for (const key in vectors) {
    const document = vectors[key]
    if (isDocument(document)) yield { document, field: at + key, name: key, within: vectors as TextAt['within'], key }
  }
}
