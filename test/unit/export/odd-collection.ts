/** A collection with every kind of id, vector and payload, and the comparison of two of them. */
import { createHash } from 'node:crypto'
import type { Collection, Database } from '../../../src/core/database.js'
import { type Point, RawJson } from '../../../src/core/point.js'
import type { CollectionOptions } from '../../../src/core/schema.js'
import { randomNumbers } from '../native/shard-data.js'

const DIM = 16

export const ODD: CollectionOptions = {
  vectors: {
    image: { size: DIM, distance: 'Cosine' },
    half: { size: 6, distance: 'Euclid', datatype: 'float16' },
    tokens: { size: 4, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
  },
  sparseVectors: { words: {} },
  hnswConfig: { m: 0 },
}

/** Points of a seed, each with some of the vectors. */
export async function fill(collection: Collection, count: number, seed: number): Promise<void> {
  const random = randomNumbers(seed)
  const floats = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1)
  const points = function* (): Generator<Point<unknown>> {
    for (let row = 0; row < count; row++) {
      const kind = row % 8
      const vector: Record<string, unknown> = {}
      if (kind !== 1) vector.image = floats(DIM)
      if (kind !== 2) vector.half = floats(6)
      if (kind !== 3) vector.tokens = Array.from({ length: 1 + (row % 3) }, () => floats(4))
      if (kind !== 4) vector.words = { indices: [row % 100, 100 + (row % 7), 4_294_967_295], values: floats(3) }
      const hex = row.toString(16).padStart(12, '0')
      const ids = [row, 2n ** 63n + BigInt(row), `6e5b1a0c-2f0d-5c4b-9f7a-${hex}`]
      yield { id: ids[row % ids.length] as Point['id'], vector: vector as Point['vector'], payload: payloadOf(row) }
    }
  }
  await collection.upsert(points() as Generator<Point>)
}

const PAYLOADS = [
  (row: number) => ({ row, name: `point ${row}`, nested: { list: [1, 2.5, null, { a: true }], empty: {} } }),
  (row: number) => ({ big: 9007199254740993n + BigInt(row), negative: -(2n ** 62n), text: 'a "b"\n\\ \u0000 é 漢 😀' }),
  () => JSON.parse('{"__proto__":{"x":1},"constructor":2,"":3}') as object,
  () => null,
  (row: number) => ({ float: row / 3, tiny: 5e-324, zero: 0, nothing: null, '1': 'key of digits' }),
  () => ({}),
]

function payloadOf(row: number): object | null {
  return (PAYLOADS[row % PAYLOADS.length] as (row: number) => object | null)(row)
}

/** A digest of all points: ids, bits of vectors, and texts of payloads. */
export async function digestOf(collection: Collection): Promise<{ points: number; digest: string }> {
  const hash = createHash('sha256')
  let points = 0
  for await (const { id, vector, payload } of collection.scroll({ withVector: true, rawPayload: true, limit: 1000 })) {
    points++
    hash.update(`${typeof id} ${id} ${payload instanceof RawJson ? payload.text : JSON.stringify(payload ?? null)}\n`)
    const named = vector as unknown as Record<string, unknown>
    for (const name of Object.keys(named).sort()) hash.update(`${name}:`).update(bitsOf(named[name]))
  }
  return { points, digest: hash.digest('hex') }
}

function bitsOf(vector: unknown): Buffer {
  if (ArrayBuffer.isView(vector)) return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  if (Array.isArray(vector)) return Buffer.concat([Buffer.from([vector.length]), ...vector.map(bitsOf)])
  const { indices, values } = vector as { indices: Uint32Array; values: Float32Array }
  return Buffer.concat([bitsOf(indices), bitsOf(values)])
}

/** The filled collection, made in a database. */
export async function makeOdd(database: Database, name: string, count: number, seed: number): Promise<Collection> {
  const collection = await database.createCollection(name, ODD)
  await fill(collection, count, seed)
  return collection
}
