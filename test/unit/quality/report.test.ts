/** The figures of reports on data whose figures are known, and beside exact ones computed here. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../../src/core/database.js'
import type { VectorQuality } from '../../../src/core/quality.js'
import { open } from '../../../src/index.js'
import { exactLists, Gauss, SEED } from './data.js'

const random = new Gauss(SEED)
let database: Database
let made = 0
beforeAll(async () => {
  database = await open(':memory:')
})
afterAll(() => database.close())

async function filled(rows: readonly number[][], options: object = {}): Promise<Collection> {
  const vectors = { size: rows[0]?.length as number, distance: 'Euclid' as const, ...options }
  const collection = await database.createCollection(`quality-${made++}`, { vectors })
  await collection.upsert(rows.map((vector, id) => ({ id, vector })))
  await collection.waitForIndex()
  return collection
}

async function onlyVector(collection: Collection, options: object = {}): Promise<VectorQuality> {
  const { vectors } = await collection.quality({ seed: SEED, ...options })
  return vectors[0] as VectorQuality
}

/** Rows on a flat piece of `inner` dimensions in a space of more. */
function flat(count: number, inner: number, size: number): number[][] {
  const axes = Array.from({ length: inner }, () => random.vector(size))
  return Array.from({ length: count }, () => {
    const at = Array.from({ length: inner }, () => random.next())
    return Array.from({ length: size }, (_, place) =>
      axes.reduce((sum, axis, which) => sum + (at[which] as number) * (axis[place] as number), 0),
    )
  })
}

describe('the intrinsic dimension', () => {
  it.each([1, 2, 5])('of a flat piece of %i dimensions in 24 is about that', async (inner) => {
    const { intrinsicDimension: told, size } = await onlyVector(await filled(flat(1_000, inner, 24)))
    expect(size).toBe(24)
    expect(told?.value).toBeGreaterThan(0.8 * inner)
    expect(told?.value).toBeLessThan(1.2 * inner)
    expect(told?.standardError).toBeLessThan(0.2 * inner)
  })

  it('is that of exact lists', async () => {
    const rows = Array.from({ length: 600 }, () => random.vector(6))
    const told = await onlyVector(await filled(rows))
    const inverses = exactLists(rows, 20).map((list) => {
      const farthest = list[19]?.distance as number
      return list.slice(0, 19).reduce((sum, { distance }) => sum + Math.log(farthest / distance), 0) / 19
    })
    const expected = inverses.length / inverses.reduce((sum, inverse) => sum + inverse, 0)
    expect(Math.abs((told.intrinsicDimension?.value as number) / expected - 1)).toBeLessThan(0.05)
  })

  it('is not told of points that are all the same', async () => {
    const { intrinsicDimension, notes } = await onlyVector(await filled(Array.from({ length: 50 }, () => [1, 2])))
    expect(intrinsicDimension).toBeUndefined()
    expect(notes.join()).toContain('too few different neighbours')
  })
})

describe('near duplicates', () => {
  const rows = Array.from({ length: 900 }, () => random.vector(16))
  const planted = Array.from({ length: 60 }, (_, at) =>
    (rows[at] as number[]).map((value) => value + 1e-3 * random.normal()),
  )

  it.each(['Euclid', 'Cosine', 'Manhattan'])('that were planted are found by default, under %s', async (distance) => {
    const { nearDuplicates } = await onlyVector(await filled([...rows, ...planted], { distance }))
    expect(nearDuplicates?.among).toBe(960)
    expect(nearDuplicates?.rate).toBeGreaterThan((0.95 * 120) / 960)
    expect(nearDuplicates?.rate).toBeLessThan((1.05 * 120) / 960)
    expect(nearDuplicates?.groups).toHaveLength(10)
    for (const { size, ids } of nearDuplicates?.groups ?? []) {
      const [one, other] = ids.map(Number).sort((a, b) => a - b) as [number, number]
      expect([size, other - one]).toEqual([2, 900])
    }
  })

  it('of vectors of many lengths are looked for among the sample, under Dot', async () => {
    const { nearDuplicates, notes } = await onlyVector(await filled([...rows, ...planted], { distance: 'Dot' }))
    expect(nearDuplicates?.rate).toBeCloseTo(120 / 960, 5)
    expect(notes.join()).toContain('Euclidean')
  })

  it('of vectors of one length are those of Cosine, under Dot', async () => {
    const unit = [...rows, ...planted].map((row) => row.map((value) => value / Math.hypot(...row)))
    const { nearDuplicates, notes } = await onlyVector(await filled(unit, { distance: 'Dot' }))
    expect(nearDuplicates?.rate).toBeGreaterThan((0.95 * 120) / 960)
    expect(nearDuplicates?.threshold).toBeCloseTo(0.99, 4)
    expect(notes).toEqual([])
  })

  it('are found with codes too', async () => {
    const { nearDuplicates } = await onlyVector(await filled([...rows, ...planted], { quantization: 'rabitq4' }))
    expect(nearDuplicates?.rate).toBeGreaterThan((0.9 * 120) / 960)
  })
})

describe('hubs', () => {
  it('are the points in many lists, as exact lists have them', async () => {
    const rows = Array.from({ length: 500 }, () => random.vector(30))
    rows.push(new Array<number>(30).fill(0))
    const { hubs } = await onlyVector(await filled(rows))
    const degrees = new Array<number>(rows.length).fill(0)
    for (const { other } of exactLists(rows, 10).flat()) degrees[other] = (degrees[other] as number) + 1
    const mean = degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length
    const moment = (power: number) =>
      degrees.reduce((sum, degree) => sum + (degree - mean) ** power, 0) / degrees.length
    expect(hubs?.skew).toBeCloseTo(moment(3) / moment(2) ** 1.5, 1)
    expect(hubs?.hubs[0]).toEqual({ id: 500, count: degrees[500] })
    expect(hubs?.antihubs).toBeCloseTo(degrees.filter((degree) => degree === 0).length / 501, 1)
  })
})

describe('two vectors of a point', () => {
  it('have a gap, and find each other', async () => {
    const collection = await database.createCollection('modalities', {
      vectors: {
        image: { size: 8, distance: 'Cosine' },
        text: { size: 8, distance: 'Cosine' },
        other: { size: 3, distance: 'Dot' },
      },
    })
    const points = Array.from({ length: 300 }, (_, id) => {
      const image = random.vector(8)
      return { id, vector: { image, text: image.map((value, at) => value + (at === 0 ? 40 : 0)) } }
    })
    await collection.upsert(points)
    const { modalities } = await collection.quality({ seed: SEED })
    expect(modalities).toMatchObject([{ a: 'image', b: 'text', sampled: 300 }])
    // All texts point to one side, and images to all of them: the centres are about 1 apart.
    expect(modalities[0]?.gap).toBeGreaterThan(0.8)
    expect(modalities[0]?.gap).toBeLessThan(1.2)
    await collection.upsert(points.map(({ id, vector }) => ({ id, vector: { ...vector, text: vector.image } })))
    const same = (await collection.quality({ seed: SEED })).modalities[0]
    expect(same).toMatchObject({ medianRank: 1, first: 1 })
    expect(same?.gap).toBeCloseTo(0, 4)
  })
})

describe('a report', () => {
  it('skips sparse vectors and multivectors, and says so', async () => {
    const collection = await database.createCollection('kinds', {
      vectors: { rows: { size: 3, distance: 'Cosine', multivectorConfig: { comparator: 'max_sim' } } },
      sparseVectors: { words: {} },
    })
    await collection.upsert([
      { id: 1, vector: { rows: [[1, 2, 3]], words: { indices: [1], values: [1] } } },
      { id: 2, vector: { rows: [[1, 2, 3]], words: { indices: [1], values: [1] } } },
    ])
    const { vectors, skipped } = await collection.quality()
    expect(vectors).toEqual([])
    expect(skipped.map(({ name }) => name)).toEqual(['rows', 'words'])
    await expect(collection.pairs({ using: 'words', threshold: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { field: 'using' },
    })
  })

  it('that is asked for twice at once is made once', async () => {
    const collection = await filled(flat(300, 2, 4))
    const [one, other] = await Promise.all([collection.quality(), collection.quality()])
    expect(other).toEqual(one)
    expect(await collection.qualityHistory()).toHaveLength(1)
  })

  it('ends with its callers, but not with one of them', async () => {
    const collection = await filled(flat(300, 2, 4))
    const [first, second] = [new AbortController(), new AbortController()]
    const one = collection.quality({ signal: first.signal })
    const other = collection.quality({ signal: second.signal })
    first.abort()
    await expect(one).rejects.toMatchObject({ code: 'CANCELLED' })
    expect((await other).points).toBe(300)
    const last = collection.quality({ signal: second.signal })
    second.abort()
    await expect(last).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await collection.qualityHistory()).toHaveLength(1)
  })

  it('under way ends when its collection is deleted', async () => {
    const collection = await filled(flat(300, 2, 4))
    const report = collection.quality()
    const ended = expect(report).rejects.toMatchObject({ code: expect.stringMatching(/CLOSED|CANCELLED/) })
    await database.deleteCollection(collection.name)
    await ended
  })
})
