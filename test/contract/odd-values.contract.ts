import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Filter } from '../../src/core/filter.js'
import type { Suite } from './database.contract.js'

/** U+D800 without its second half. UTF-8 has no form for it, JSON has an escape. */
const LONE = 'a\ud800b'
const NOON = new Date('2024-05-01T12:00:00.250Z')

function cyclic(): { must: unknown[] } {
  const filter = { must: [] as unknown[] }
  filter.must.push(filter, filter)
  return filter
}

function detached(): Float32Array {
  const vector = new Float32Array([1, 2, 3])
  structuredClone(vector.buffer, { transfer: [vector.buffer] })
  return vector
}

/** Calls that every face refuses, and the field that the message begins with. */
const REFUSED: [what: string, names: RegExp, attempt: (collection: Collection) => Promise<unknown>][] = [
  [
    'a lone surrogate in a filter',
    /match\.value: expected well-formed/,
    (c) => c.count({ filter: { must: { key: 'k', match: { value: LONE } } } }),
  ],
  [
    'a filter that holds itself',
    /^filter.*: expected at most \d+ nested levels/,
    (c) => c.query({ filter: cyclic() as never }),
  ],
  [
    'a selector that holds itself',
    /: expected at most \d+ nested levels/,
    (c) => c.delete({ filter: cyclic() as never }),
  ],
  [
    'a payload that holds itself',
    /^points\[0\]\.payload: expected at most \d+ nested levels/,
    (c) => c.upsert([{ id: 1, vector: [1, 2, 3], payload: cyclic() }]),
  ],
  [
    'a payload of an iterable that holds itself',
    /^points\[0\]\.payload: expected at most \d+ nested levels/,
    (c) => c.upsert(new Set([{ id: 1, vector: [1, 2, 3], payload: cyclic() }])),
  ],
  ['a patch that holds itself', /^payload: expected at most \d+ nested levels/, (c) => c.setPayload(cyclic(), [1])],
  ['a signal that is none', /^signal: expected an AbortSignal/, (c) => c.count({ signal: {} as never })],
  [
    'a signal of a write that is none',
    /^signal: expected an AbortSignal/,
    (c) => c.delete([1], { signal: 7 as never }),
  ],
  [
    'a signal of a call that is none',
    /^signal: expected an AbortSignal/,
    (c) => c.info({ signal: new AbortController() as never }),
  ],
  ['a timeout that is none', /^timeoutMs: expected milliseconds/, (c) => c.query({ query: [1, 2, 3], timeoutMs: 0 })],
  [
    'a vector whose buffer was transferred',
    /^points\[0\]\.vector: .*expected dim: 3, got 0/,
    (c) => c.upsert([{ id: 1, vector: detached() }]),
  ],
  ['a query whose buffer was transferred', /^query: .*expected dim: 3, got 0/, (c) => c.query({ query: detached() })],
  [
    'a range by what is no date',
    /expected .*date/,
    (c) => c.count({ filter: { must: { key: 'at', range: { gt: new Date(Number.NaN) } } } }),
  ],
  [
    'a match with what is no date',
    /match\.value/,
    (c) => c.count({ filter: { must: { key: 'at', match: { value: new Date(Number.NaN) } } } }),
  ],
  [
    'a query of a kind as the vector of a search',
    /^vector: expected numbers/,
    (c) => c.search({ recommend: { positive: [1] } } as never),
  ],
  [
    'ids of a read that are no array',
    /^ids: expected an array of ids/,
    (c) => c.retrieve(new Uint32Array([1]) as never),
  ],
  ['ids that are floats', /expected an array of ids/, (c) => c.delete({ ids: new Float32Array([1]) as never })],
]

/** Values at the edges of what JavaScript, JSON and MessagePack can say: each face keeps or refuses the same. */
export function describeOddValues(suite: Suite): void {
  const filled = async (): Promise<Collection> => {
    const collection = await suite.single()
    await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 0, 0], payload: { n: id } })))
    return collection
  }

  describe('odd values', () => {
    it('lone surrogates stay in payloads', async () => {
      const collection = await filled()
      const payload = { text: LONE, [LONE]: [{ [LONE]: LONE }], big: 2n ** 60n, at: NOON }
      const kept = { ...payload, at: NOON.toISOString() }
      await collection.upsert([{ id: 4, vector: [4, 0, 0], payload }])
      await collection.upsert({ ids: [5], vectors: new Float32Array(3), payloads: [payload] })
      await collection.setPayload(payload, [1])
      await collection.batch([{ op: 'overwritePayload', payload, which: [2] }])
      expect((await collection.get(1))?.payload).toEqual({ n: 1, ...kept })
      for (const id of [2, 4, 5]) expect((await collection.get(id))?.payload).toEqual(kept)
    })

    it('a lone surrogate in a text id is refused', async () => {
      const name = `odd-texts-${Math.random().toString(36).slice(2)}`
      const texts = await suite.database.createCollection(name, { vectors: { size: 1, distance: 'Dot' }, ids: 'text' })
      const upsert = texts.upsert([{ id: LONE, vector: [1] }])
      await expect(upsert).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/^points\[0\]\.id: /),
      })
      await expect(texts.delete([LONE])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(await texts.count()).toBe(0)
    })

    it('undefined beside a key in another spelling says nothing', async () => {
      const collection = await filled()
      const one = [{ key: 'n', match: { value: 1 } }]
      const filters = [
        { mustNot: undefined, must_not: one },
        { must_not: one, mustNot: undefined },
        { must: [{ key: undefined, hasId: [2, 3], nested: undefined }] },
        { must: [{ key: 'n', range: { gt: 1 }, match: undefined }], unknown: undefined },
        { must: [{ key: 'n', match: { any: [2, 3], value: undefined } }] },
      ]
      for (const filter of filters) expect(await collection.count({ filter: filter as unknown as Filter })).toBe(2)
    })

    it('bigints are integers', async () => {
      const collection = await filled()
      const five = 2n as never
      expect(await collection.query({ query: [0, 0, 0], limit: five, offset: 0n as never })).toHaveLength(2)
      expect(await collection.query({ query: 3n, limit: 1n as never, params: { hnswEf: 16n as never } })).toHaveLength(
        1,
      )
      expect((await collection.searchMatrix({ sample: 2n as never, limit: 1n as never })).ids).toHaveLength(2)
      const filter = { must: { key: 'n', valuesCount: { gte: 1n as never } } }
      expect(await collection.count({ filter })).toBe(3)
      expect(await collection.delete([1n, 2n])).toMatchObject({ deleted: 2 })
    })

    it('ids are typed arrays', async () => {
      const collection = await filled()
      expect(await collection.delete({ ids: new Uint32Array([1, 7]) })).toMatchObject({ deleted: 1 })
      await collection.setPayload({ tag: 'x' }, { ids: new BigUint64Array([2n]) })
      const { points } = await collection.scrollPage()
      expect(points).toEqual([
        { id: 2, payload: { n: 2, tag: 'x' } },
        { id: 3, payload: { n: 3 } },
      ])
    })

    it('dates are matched, and computed with', async () => {
      const collection = await filled()
      await collection.setPayload({ at: NOON }, [2])
      expect(await collection.count({ filter: { must: { key: 'at', match: { value: NOON } } } })).toBe(1)
      expect(await collection.count({ filter: { must: { key: 'at', match: { any: [NOON, 'x'] } } } })).toBe(1)
      const [hit] = await collection.query({
        prefetch: { query: [2, 0, 0], limit: 1 },
        query: { formula: { sum: [{ datetime: NOON }, { neg: { datetimeKey: 'at' } }] } },
      })
      expect(hit).toMatchObject({ id: 2, score: 0 })
    })

    it('numbers of sparse vectors are any typed array, and their keys are known', async () => {
      const name = `odd-sparse-${Math.random().toString(36).slice(2)}`
      const collection = await suite.database.createCollection(name, { vectors: {}, sparseVectors: { words: {} } })
      const values = new Uint32Array([2, 3]) as never
      const indices = new Float64Array([7, 5]) as never
      await collection.upsert([{ id: 1, vector: { words: { indices, values } } }])
      await collection.upsert({ ids: [2], vectors: { words: [{ indices, values }] } })
      await collection.updateVectors([{ id: 2, vector: { words: { indices, values } } }])
      const hits = await collection.search({ indices, values }, { using: 'words', withVector: true })
      const words = { indices: new Uint32Array([5, 7]), values: new Float32Array([3, 2]) }
      expect(hits).toMatchObject([1, 2].map((id) => ({ id, score: 13, vector: { words } })))
      const odd = { indices: [1], values: [1], weights: [1] } as never
      const refusal = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/weights: expected a known/) }
      await expect(collection.upsert([{ id: 3, vector: { words: odd } }])).rejects.toMatchObject(refusal)
      await expect(collection.search(odd, { using: 'words' })).rejects.toMatchObject(refusal)
    })

    it('a name of a collection is told as the argument that it is', async () => {
      const options = { vectors: { size: 1, distance: 'Dot' } } as const
      const made = suite.database.createCollection('a/b', options)
      await expect(made).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { field: 'name' } })
    })

    it.each(REFUSED)('refuses %s', async (_, names, attempt) => {
      const collection = await filled()
      const error = await attempt(collection).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect((error as Error).message).toMatch(names)
      expect(await collection.count()).toBe(3)
    })
  })
}
