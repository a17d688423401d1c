import { ID_WORDS, type PointColumns } from '../../../src/core/point.js'
import type { LogRecord } from '../../../src/log/record.js'
import fc from '../../oracle/properties.js'

const word = fc.nat({ max: 0xffff_ffff })

function anyIds(count: number): fc.Arbitrary<Uint32Array> {
  const id = fc.tuple(fc.nat({ max: 1 }), word, word, word, word)
  return fc.array(id, { minLength: count, maxLength: count }).map((ids) => Uint32Array.from(ids.flat()))
}

const someIds = fc.nat({ max: 20 }).chain(anyIds)

const vectorColumn = (count: number) =>
  fc
    .record({
      name: fc.string({ maxLength: 40 }),
      dim: fc.integer({ min: 1, max: 80 }),
      all: fc.boolean(),
      seed: fc.nat(),
      multi: fc.boolean(),
    })
    .map(({ name, dim, all, seed, multi }) => {
      const rows = all
        ? null
        : Uint32Array.from(Array.from({ length: count }, (_, i) => i).filter((i) => ((seed >> (i % 31)) & 1) === 1))
      const counts = new Uint32Array(rows ? rows.length : count).map((_, i) => (multi ? 1 + ((seed + i) % 4) : 1))
      const length = counts.reduce((sum, each) => sum + each, 0) * dim
      const data = Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(seed + i)))
      return { name, data, rows, ...(multi ? { counts } : {}) }
    })

const anyColumns: fc.Arbitrary<PointColumns> = fc.nat({ max: 40 }).chain((count) =>
  fc
    .tuple(
      anyIds(count),
      fc.array(vectorColumn(count), { maxLength: 3 }),
      fc.option(fc.array(fc.string({ unit: 'grapheme' }), { minLength: count, maxLength: count })),
    )
    .map(([ids, vectors, texts]) => {
      if (texts === null) return { count, ids, vectors, payloads: null }
      const offsets = new Uint32Array(count + 1)
      for (const [i, text] of texts.entries()) offsets[i + 1] = (offsets[i] as number) + Buffer.byteLength(text)
      return { count, ids, vectors, payloads: { bytes: new Uint8Array(Buffer.from(texts.join(''))), offsets } }
    }),
)

const text = fc.string({ unit: 'grapheme', maxLength: 300 })

export function anyRecord(): fc.Arbitrary<LogRecord> {
  return fc.oneof(
    fc.record({ op: fc.constantFrom('upsert', 'updateVectors'), columns: anyColumns }),
    fc.record({ op: fc.constant('deleteVectors' as const), ids: someIds, names: fc.array(text, { maxLength: 20 }) }),
    fc.record({ op: fc.constantFrom('delete', 'clearPayload'), ids: someIds }),
    fc.record({ op: fc.constant('setPayload' as const), ids: someIds, patch: text }),
    fc.record({ op: fc.constant('setPayload' as const), ids: someIds, patch: text, key: text }),
    fc.record({
      op: fc.constant('overwritePayload' as const),
      ids: someIds,
      text: fc.string({ minLength: 5000, maxLength: 9000 }),
    }),
    fc.record({ op: fc.constant('deletePayload' as const), ids: someIds, keys: fc.array(text, { maxLength: 20 }) }),
  ) as fc.Arbitrary<LogRecord>
}

/** A record whose body has about this many bytes, different for each number. */
export function sizedRecord(seq: number, bytes: number): LogRecord {
  const text = JSON.stringify({ seq, fill: String(seq % 10).repeat(bytes) })
  return { op: 'overwritePayload', ids: Uint32Array.from({ length: ID_WORDS }, (_, i) => (i === 1 ? seq : 0)), text }
}
