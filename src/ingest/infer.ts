import type { ColumnarPoints, ColumnarVectors } from '../core/database.js'
import type { Document, NamedVector, PointVector } from '../core/point.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import { isDocument } from '../core/sparse.js'
import { type DocumentAt, embedDocuments, noModel } from '../inference/bm25.js'

/**
 * The points with texts replaced by sparse vectors; points without texts are returned as they are. The input is not
 * validated here: making columns of it reports errors.
 */
export async function inferVectors(points: unknown, schema: readonly SchemaVector[]): Promise<unknown> {
  if (!schema.some(isSparse) || points === null || typeof points !== 'object') return points
  const inference = new Inference(schema)
  if (Array.isArray(points)) return await inference.points(points)
  return 'ids' in points && 'vectors' in points ? await inference.columns(points as ColumnarPoints) : points
}

/** Copies the points that have texts, gathers the texts, and inserts their vectors when all are made. */
class Inference {
  readonly #schema: readonly SchemaVector[]
  readonly #documents: (DocumentAt & { put(vector: NamedVector): void })[] = []

  constructor(schema: readonly SchemaVector[]) {
    this.#schema = schema
  }

  async points(points: readonly unknown[]): Promise<readonly unknown[]> {
    let inferred: unknown[] | null = null
    for (let i = 0; i < points.length; i++) {
      const point = points[i] as { vector?: PointVector } | null
      const vector = point?.vector as unknown
      if (vector === null || typeof vector !== 'object' || Array.isArray(vector) || ArrayBuffer.isView(vector)) continue
      const named = this.#named(vector as Record<string, NamedVector>, `points[${i}].vector`)
      if (named === vector) continue
      inferred ??= [...points]
      inferred[i] = { ...point, vector: named }
    }
    await this.#embed()
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
      const inferred: unknown[] = [...column]
      for (const [i, one] of column.entries() as IterableIterator<[number, unknown]>) {
        if (isDocument(one))
          this.#gather(name, one, `vectors.${name}[${i}]`, (made) => {
            inferred[i] = made
          })
      }
      vectors[name] = inferred as ColumnarVectors
    }
    await this.#embed()
    return { ...points, vectors }
  }

  #named(vector: Record<string, NamedVector>, field: string): Record<string, NamedVector> {
    let inferred: Record<string, NamedVector> | null = null
    for (const [name, one] of Object.entries(vector)) {
      if (!isDocument(one)) continue
      inferred ??= { ...vector }
      const into = inferred
      this.#gather(name, one, `${field}.${name}`, (made) => {
        into[name] = made
      })
    }
    return inferred ?? vector
  }

  #gather(name: string, document: Document, field: string, put: (vector: NamedVector) => void): void {
    const known = this.#schema.find((vector) => vector.name === name)
    if (known && !isSparse(known)) throw noModel(document, field)
    this.#documents.push({ document, field, put })
  }

  async #embed(): Promise<void> {
    if (this.#documents.length === 0) return
    const vectors = await embedDocuments(this.#documents)
    for (const [i, { put }] of this.#documents.entries()) put(vectors[i] as NamedVector)
  }
}
