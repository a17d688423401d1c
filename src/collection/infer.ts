import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ColumnarPoints, ColumnarVectors } from '../core/database.js'
import type { NamedVector, PointVector } from '../core/point.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import { isDocument } from '../core/sparse.js'
import { embedDocument, noModel } from '../inference/bm25.js'

/** Characters of text between two turns of the event loop: about a millisecond. */
const CHARACTERS_A_TURN = 8_192
/** What a text costs beside its own: its options, and the lists of stop words they name. */
const CHARACTERS_A_DOCUMENT = 256

/**
 * The points with vectors in the place of texts; those without texts as they are. Anything may be among them: whoever
 * makes columns of them says what is wrong.
 */
export async function inferVectors(points: unknown, schema: readonly SchemaVector[]): Promise<unknown> {
  if (!schema.some(isSparse) || points === null || typeof points !== 'object') return points
  const inference = new Inference(schema)
  if (Array.isArray(points)) return await inference.points(points)
  return 'ids' in points && 'vectors' in points ? await inference.columns(points as ColumnarPoints) : points
}

class Inference {
  readonly #schema: readonly SchemaVector[]
  #characters = 0

  constructor(schema: readonly SchemaVector[]) {
    this.#schema = schema
  }

  async points(points: readonly unknown[]): Promise<readonly unknown[]> {
    let inferred: unknown[] | null = null
    for (let i = 0; i < points.length; i++) {
      const point = points[i] as { vector?: PointVector } | null
      const vector = point?.vector as unknown
      if (vector === null || typeof vector !== 'object' || Array.isArray(vector) || ArrayBuffer.isView(vector)) continue
      const named = await this.#named(vector as Record<string, NamedVector>, `points[${i}].vector`)
      if (named === vector) continue
      inferred ??= [...points]
      inferred[i] = { ...point, vector: named }
    }
    return inferred ?? points
  }

  async columns(points: ColumnarPoints): Promise<ColumnarPoints> {
    if (points.vectors === null || typeof points.vectors !== 'object' || ArrayBuffer.isView(points.vectors))
      return points
    const vectors: Record<string, ColumnarVectors> = {}
    for (const [name, column] of Object.entries(points.vectors)) {
      if (!Array.isArray(column)) {
        vectors[name] = column
        continue
      }
      const inferred: unknown[] = []
      for (let i = 0; i < column.length; i++) {
        const one = column[i] as unknown
        inferred.push(isDocument(one) ? await this.#vector(name, one, `vectors.${name}[${i}]`) : one)
      }
      vectors[name] = inferred as ColumnarVectors
    }
    return { ...points, vectors }
  }

  async #named(vector: Record<string, NamedVector>, field: string): Promise<Record<string, NamedVector>> {
    let inferred: Record<string, NamedVector> | null = null
    for (const [name, one] of Object.entries(vector)) {
      if (!isDocument(one)) continue
      inferred ??= { ...vector }
      inferred[name] = await this.#vector(name, one, `${field}.${name}`)
    }
    return inferred ?? vector
  }

  async #vector(name: string, document: Parameters<typeof embedDocument>[0], field: string): Promise<NamedVector> {
    const known = this.#schema.find((vector) => vector.name === name)
    if (known && !isSparse(known)) throw noModel(document, field)
    this.#characters += CHARACTERS_A_DOCUMENT + (document.text?.length ?? 0)
    if (this.#characters >= CHARACTERS_A_TURN) {
      this.#characters = 0
      await nextTurn()
    }
    return embedDocument(document, field)
  }
}
