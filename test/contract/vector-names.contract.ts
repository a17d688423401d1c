import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { VectorNameConfig } from '../../src/core/schema.js'
import type { Suite } from './database.contract.js'

const CUBE: VectorNameConfig = { dense: { size: 3, distance: 'Dot' } }
const POINTS = Array.from({ length: 20 }, (_, i) => ({
  id: i,
  vector: { text: [1, i], image: [i, 0, 0] },
  payload: { i },
}))

const REFUSED: [what: string, name: string, config: unknown, message: RegExp][] = [
  ['no size', 'new', { dense: { distance: 'Dot' } }, /dense\.size/],
  ['a size of zero', 'new', { dense: { size: 0, distance: 'Dot' } }, /dense\.size.*65536.*0/],
  ['too many dimensions', 'new', { dense: { size: 65_537, distance: 'Dot' } }, /dense\.size.*65536.*65537/],
  ['another distance', 'new', { dense: { size: 3, distance: 'Hamming' } }, /dense\.distance.*Cosine.*Hamming/],
  [
    'another datatype',
    'new',
    { dense: { size: 3, distance: 'Dot', datatype: 'int8' } },
    /dense\.datatype.*uint8.*int8/,
  ],
  [
    'another comparator',
    'new',
    { dense: { size: 3, distance: 'Dot', multivectorConfig: { comparator: 'sum' } } },
    /max_sim/,
  ],
  ['another modifier', 'new', { sparse: { modifier: 'tf' } }, /modifier.*idf.*tf/],
  ['neither dense nor sparse', 'new', {}, /dense or sparse/],
  ['both', 'new', { dense: { size: 3, distance: 'Dot' }, sparse: {} }, /dense or sparse/],
  ['a path for a name', 'a*b', CUBE, /vectorName.*characters/],
  ['a long name', 'x'.repeat(256), CUBE, /vectorName.*255/],
  ['other dimensions', 'image', { dense: { size: 4, distance: 'Euclid' } }, /`image` already exists with a different/],
  ['another metric', 'image', { dense: { size: 3, distance: 'Dot' } }, /`image` already exists with a different/],
  ['a sparse one instead', 'image', { sparse: {} }, /`image` already exists as a dense vector/],
]

export function describeVectorNames(suite: Suite): void {
  const filled = async (): Promise<Collection> => {
    const collection = await suite.named()
    await collection.upsert(POINTS)
    return collection
  }
  const has = (collection: Collection, name: string) =>
    collection.count({ filter: { must: [{ hasVector: name }] } as never })

  describe('named vectors of a live collection', () => {
    it('start empty, and take what is written from then on', async () => {
      const collection = await filled()
      expect(await collection.createVectorName('cube', CUBE)).toMatchObject({ status: 'completed' })
      expect((await collection.info()).config.vectors.map(({ name, size }) => [name, size])).toContainEqual(['cube', 3])
      expect(await collection.query({ query: [1, 1, 1], using: 'cube' })).toEqual([])
      expect(await has(collection, 'cube')).toBe(0)
      await collection.updateVectors([{ id: 3, vector: { cube: [1, 2, 3] } }])
      await collection.upsert([{ id: 50, vector: { cube: [3, 3, 3], text: [1, 0] } }])
      const hits = await collection.query({ query: [1, 1, 1], using: 'cube' })
      expect(hits.map(({ id, score }) => [id, score])).toEqual([
        [50, 9],
        [3, 6],
      ])
      expect(await has(collection, 'cube')).toBe(2)
      expect(await has(collection, 'image')).toBe(20)
      const [point] = await collection.retrieve([3], { withVector: ['cube', 'image'] })
      expect(point).toMatchObject({ payload: { i: 3 } })
      expect(JSON.parse(JSON.stringify(point?.vector))).toEqual(
        JSON.parse(JSON.stringify({ cube: Float32Array.of(1, 2, 3), image: Float32Array.of(3, 0, 0) })),
      )
    })

    it('disappear when they are dropped, and may come back with another configuration', async () => {
      const collection = await filled()
      expect(await collection.deleteVectorName('image')).toMatchObject({ status: 'completed' })
      const unknown = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('Not existing vector name') }
      await expect(collection.query({ query: [1, 1, 1], using: 'image' })).rejects.toMatchObject(unknown)
      await expect(collection.upsert([{ id: 1, vector: { image: [1, 1, 1] } }])).rejects.toMatchObject(unknown)
      await expect(collection.deleteVectors(['image'], [1])).rejects.toMatchObject(unknown)
      const [point] = await collection.retrieve([4], { withVector: true })
      expect(Object.keys(point?.vector ?? {})).toEqual(['text'])
      expect(await collection.count()).toBe(20)
      await collection.createVectorName('image', { dense: { size: 2, distance: 'Euclid' } })
      expect(await has(collection, 'image')).toBe(0)
      await collection.updateVectors([{ id: 4, vector: { image: [7, 8] } }])
      const hits = await collection.query({ query: [7, 8], using: 'image' })
      expect(hits.map(({ id, score }) => [id, score])).toEqual([[4, 0]])
    })

    it('can stand beside an unnamed one', async () => {
      const collection = await suite.single()
      await collection.upsert([{ id: 1, vector: [1, 2, 3] }])
      await collection.createVectorName('cube', CUBE)
      await collection.upsert([{ id: 2, vector: { '': [3, 2, 1], cube: [1, 1, 1] } }])
      const seen = await collection.retrieve([1, 2], { withVector: true })
      const names = seen.map(({ vector }) =>
        vector instanceof Float32Array ? 'one' : Object.keys(vector ?? {}).sort(),
      )
      expect(names).toEqual(['one', ['', 'cube']])
      expect((await collection.query({ query: [1, 2, 3] })).map(({ id }) => id)).toEqual([1, 2])
      expect((await collection.query({ query: [1, 2, 3], using: 'cube' })).map(({ id }) => id)).toEqual([2])
      expect((await collection.info()).config.vectors.map(({ name }) => name)).toEqual(['', 'cube'])
    })

    it('can all be dropped: points stay with their payload', async () => {
      const collection = await filled()
      await collection.deleteVectorName('text')
      await collection.deleteVectorName('image')
      expect((await collection.info()).config.vectors).toEqual([])
      expect(await collection.retrieve([4], { withVector: false })).toMatchObject([{ id: 4, payload: { i: 4 } }])
      await collection.setPayload({ more: true }, [4])
      expect(await collection.count({ filter: { must: [{ key: 'more', match: { value: true } }] } })).toBe(1)
      await collection.createVectorName('text', CUBE)
      await collection.updateVectors([{ id: 4, vector: { text: [1, 0, 0] } }])
      expect((await collection.query({ query: [1, 0, 0], using: 'text' })).map(({ id }) => id)).toEqual([4])
    })

    it('change nothing if they already exist as requested, or are already dropped', async () => {
      const collection = await filled()
      const before = (await collection.info()).config
      await collection.createVectorName('image', { dense: { size: 3, distance: 'Euclid' } })
      await collection.deleteVectorName('nowhere')
      expect((await collection.info()).config).toEqual(before)
      expect(await has(collection, 'image')).toBe(20)
    })

    it.each(REFUSED)('are refused with %s', async (_what, name, config, message) => {
      const collection = await filled()
      const before = (await collection.info()).config
      await expect(collection.createVectorName(name, config as VectorNameConfig)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      })
      expect((await collection.info()).config).toEqual(before)
    })

    it('are at most 64', async () => {
      const collection = await suite.named()
      for (let i = 2; i < 64; i++) await collection.createVectorName(`v${i}`, CUBE)
      await expect(collection.createVectorName('one too many', CUBE)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/64.*65/),
      })
      await collection.deleteVectorName('v2')
      await collection.createVectorName('another', CUBE)
    })

    it('are changed by name like any other', async () => {
      const collection = await filled()
      await collection.createVectorName('cube', CUBE)
      await collection.updateConfig({ vectors: { cube: { hnswConfig: { m: 8 } } } })
      const cube = (await collection.info()).config.vectors.find(({ name }) => name === 'cube')
      expect(cube).toMatchObject({ m: 8, overrides: { hnswConfig: { m: 8 } } })
    })
  })
}
