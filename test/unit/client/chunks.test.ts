import { describe, expect, it } from 'vitest'
import { upsertRequests } from '../../../src/client/chunks.js'
import { LIMITS } from '../../../src/core/limits.js'
import { RawJson } from '../../../src/core/point.js'
import { decodeMsgpack, measureMsgpack } from '../../../src/wire/msgpack.js'

const KIB = 1024

function upsertBodies(...given: Parameters<typeof upsertRequests>): Buffer[] {
  return Array.from(upsertRequests(...given), ({ bytes }) => bytes)
}

function batches(
  bodies: Iterable<Buffer>,
): { ids: Buffer | number[]; vectors: Record<string, Buffer>; payloads?: unknown[] }[] {
  return Array.from(bodies, (body) => (decodeMsgpack(body) as { batch: never }).batch)
}

describe('upsertBodies', () => {
  it('cuts columns into bodies below the bound, with every row once and in order', () => {
    const count = 1000
    const text = Float32Array.from({ length: count * 16 }, (_, i) => i)
    const ids = BigUint64Array.from({ length: count }, (_, i) => BigInt(i))
    const payloads = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? { long: 'ü'.repeat(i) } : null))
    const bodies = [...upsertBodies({ ids, vectors: { text }, payloads }, 64 * KIB)]
    expect(bodies.length).toBeGreaterThan(5)
    for (const body of bodies) expect(body.length).toBeLessThanOrEqual(64 * KIB)
    const cut = batches(bodies)
    expect(Buffer.concat(cut.map((batch) => batch.ids as Buffer))).toEqual(Buffer.from(ids.buffer))
    expect(Buffer.concat(cut.map((batch) => batch.vectors.text as Buffer))).toEqual(Buffer.from(text.buffer))
    expect(cut.flatMap((batch) => batch.payloads)).toEqual(payloads)
  })

  it('cuts points in the same way', () => {
    const points = Array.from({ length: 300 }, (_, id) => ({
      id,
      vector: { a: [1, 2, 3], b: new Float32Array(100) },
      payload: { id },
    }))
    const bodies = [...upsertBodies(points, 16 * KIB)]
    for (const body of bodies) expect(body.length).toBeLessThanOrEqual(16 * KIB)
    const ids = bodies.flatMap((body) =>
      (decodeMsgpack(body) as { points: { id: number }[] }).points.map((point) => point.id),
    )
    expect(ids).toEqual(points.map((point) => point.id))
  })

  it('sends a point above the bound alone', () => {
    const bodies = [...upsertBodies({ ids: [1, 2], vectors: new Float32Array(2 * 10_000) }, KIB)]
    expect(bodies).toHaveLength(2)
  })

  it('sends one body if there is nothing to send', () => {
    expect([...upsertBodies([], KIB)]).toHaveLength(1)
    expect([...upsertBodies({ ids: [], vectors: new Float32Array(0) }, KIB)]).toHaveLength(1)
  })

  it('cuts where a body would have more values than the service accepts, however few bytes they are', () => {
    const small = { a: '', b: [], c: {}, d: [1, true, null], e: '' }
    const text = new RawJson(JSON.stringify(small))
    const ids = Array.from({ length: 12_000 }, (_, id) => id)
    const vectors = new Float32Array(ids.length)
    for (const payload of [{ x: new Array(20).fill(small) }, new RawJson(`{"x":[${new Array(20).fill(text.text)}]}`)]) {
      const bodies = [...upsertBodies({ ids, vectors, payloads: ids.map(() => payload) }, LIMITS.bodyBytes)]
      expect(bodies.length).toBeGreaterThan(1)
      for (const body of bodies) expect(() => measureMsgpack(body)).not.toThrow()
      expect(batches(bodies).flatMap((batch) => batch.payloads)).toHaveLength(ids.length)
    }
  })
})
