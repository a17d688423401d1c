import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { ErrorCode } from '../../src/core/errors.js'
import { VicinalError } from '../../src/core/errors.js'
import type { Suite } from './database.contract.js'

type Attempt = (collection: Collection) => Promise<unknown>

/** Calls with one error each; the message must name it. */
const REFUSED: [what: string, code: ErrorCode, names: RegExp, attempt: Attempt][] = [
  [
    'a vector of a forbidden name',
    'INVALID_ARGUMENT',
    /^vectorName: /,
    (c) => c.createVectorName('a/b', { dense: { size: 3, distance: 'Dot' } } as never),
  ],
  [
    'a vector of the wrong dimension',
    'INVALID_ARGUMENT',
    /points\[1\]\.vector.*\b3\b.*\b2\b/,
    (c) =>
      c.upsert([
        { id: 1, vector: [1, 2, 3] },
        { id: 2, vector: [1, 2] },
      ]),
  ],
  [
    'NaN in a vector',
    'INVALID_ARGUMENT',
    /points\[0\]\.vector/,
    (c) => c.upsert([{ id: 1, vector: [1, Number.NaN, 3] }]),
  ],
  [
    'infinity in a vector',
    'INVALID_ARGUMENT',
    /points\[0\]\.vector/,
    (c) => c.upsert([{ id: 1, vector: new Float32Array([1, Number.POSITIVE_INFINITY, 3]) }]),
  ],
  [
    'a number beyond float32',
    'INVALID_ARGUMENT',
    /points\[0\]\.vector/,
    (c) => c.upsert([{ id: 1, vector: [1, 1e39, 3] }]),
  ],
  [
    'a text in a vector',
    'INVALID_ARGUMENT',
    /points\[0\]\.vector\[1\]/,
    (c) => c.upsert([{ id: 1, vector: [1, '2', 3] as never }]),
  ],
  [
    'an unknown vector name',
    'INVALID_ARGUMENT',
    /nowhere/,
    (c) => c.upsert([{ id: 1, vector: { nowhere: [1, 2, 3] } }]),
  ],
  ['no vector', 'INVALID_ARGUMENT', /points\[0\]\.vector/, (c) => c.upsert([{ id: 1 } as never])],
  ['a negative id', 'INVALID_ARGUMENT', /id.*-1/, (c) => c.upsert([{ id: -1, vector: [1, 2, 3] }])],
  ['a fractional id', 'INVALID_ARGUMENT', /id.*1\.5/, (c) => c.upsert([{ id: 1.5, vector: [1, 2, 3] }])],
  ['an id beyond 64 bits', 'INVALID_ARGUMENT', /id|64 bits/, (c) => c.upsert([{ id: 1n << 64n, vector: [1, 2, 3] }])],
  [
    'an id that is no UUID',
    'INVALID_ARGUMENT',
    /id.*UUID.*seven/,
    (c) => c.upsert([{ id: 'seven', vector: [1, 2, 3] }]),
  ],
  [
    'columns of unequal length',
    'INVALID_ARGUMENT',
    /vectors/,
    (c) => c.upsert({ ids: [1, 2], vectors: new Float32Array(7) }),
  ],
  [
    'payloads of unequal length',
    'INVALID_ARGUMENT',
    /payloads.*2.*1/,
    (c) => c.upsert({ ids: [1, 2], vectors: new Float32Array(6), payloads: [null] }),
  ],
  [
    'a payload that is no object',
    'INVALID_ARGUMENT',
    /payload/,
    (c) => c.upsert([{ id: 1, vector: [1, 2, 3], payload: [1] as never }]),
  ],
  [
    'a query of the wrong dimension',
    'INVALID_ARGUMENT',
    /query.*\b3\b.*\b4\b/,
    (c) => c.query({ query: [1, 2, 3, 4] }),
  ],
  ['NaN in a query', 'INVALID_ARGUMENT', /query/, (c) => c.query({ query: [1, Number.NaN, 3] })],
  [
    'an unknown vector to search',
    'INVALID_ARGUMENT',
    /nowhere/,
    (c) => c.query({ query: [1, 2, 3], using: 'nowhere' }),
  ],
  ['a query by the id of no point', 'NOT_FOUND', /12345/, (c) => c.query({ query: 12345 })],
  ['a limit of zero', 'INVALID_ARGUMENT', /limit.*1.*0/, (c) => c.query({ query: [1, 2, 3], limit: 0 })],
  ['a recall of nothing', 'INVALID_ARGUMENT', /recall/, (c) => c.query({ query: [1, 2, 3], recall: 0 })],
  ['a recall above 1', 'INVALID_ARGUMENT', /recall/, (c) => c.query({ query: [1, 2, 3], recall: 1.01 })],
  ['a negative offset', 'INVALID_ARGUMENT', /offset/, (c) => c.query({ query: [1, 2, 3], offset: -1 })],
  ['a payload change of no point', 'NOT_FOUND', /777/, (c) => c.setPayload({ a: 1 }, [1, 777])],
  ['a vector update of no point', 'NOT_FOUND', /777/, (c) => c.updateVectors([{ id: 777, vector: [1, 2, 3] }])],
  ['ids and filter both', 'INVALID_ARGUMENT', /filter/, (c) => c.delete({ ids: [1], filter: {} } as never)],
  ['an unknown index kind', 'INVALID_ARGUMENT', /schema.*keyword/, (c) => c.createPayloadIndex('a', 'magic' as never)],
]

export function describeRefusals(suite: Suite): void {
  describe('refuses without any effect', () => {
    it.each(REFUSED)('%s', async (_what, code, names, attempt) => {
      const collection = await suite.single()
      await collection.upsert([{ id: 1, vector: [7, 7, 7], payload: { kept: true } }])
      const error = await attempt(collection).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(VicinalError)
      expect(error).toMatchObject({ code, message: expect.stringMatching(names) })
      expect(await collection.retrieve([1], { withVector: true })).toEqual([
        { id: 1, payload: { kept: true }, vector: new Float32Array([7, 7, 7]) },
      ])
      expect(await collection.count()).toBe(1)
    })

    it.each(['', '.', '..', 'a/b', '../up', 'a\\b', 'a\0b', 'line\nbreak', 'x'.repeat(256), '\ud800'])(
      'the collection name %j',
      async (name) => {
        const { database } = suite
        const before = await database.collections()
        await expect(database.createCollection(name, { vectors: { size: 2, distance: 'Dot' } })).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
        })
        for (const lookup of ['collection', 'hasCollection', 'deleteCollection'] as const) {
          await expect(database[lookup](name), lookup).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
        }
        expect(await database.collections()).toEqual(before)
      },
    )

    it.each([0, -1, 1.5, 65_537])('a collection of %d dimensions', async (size) => {
      await expect(
        suite.database.createCollection('too-many', { vectors: { size, distance: 'Dot' } }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('size') })
    })

    it('an unknown distance', async () => {
      await expect(
        suite.database.createCollection('odd', { vectors: { size: 2, distance: 'Hamming' as never } }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('distance') })
    })

    it('a call with an aborted signal', async () => {
      const collection = await suite.single()
      const signal = AbortSignal.abort()
      await expect(collection.query({ query: [1, 2, 3], signal })).rejects.toMatchObject({ code: 'CANCELLED' })
      await expect(collection.upsert([{ id: 1, vector: [1, 2, 3] }], { signal })).rejects.toMatchObject({
        code: 'CANCELLED',
      })
      expect(await collection.count()).toBe(0)
    })
  })
}
