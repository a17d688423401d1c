/** Tests of two samples, beside sums over all pairs, and drift of a collection from its reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../../src/core/database.js'
import { open } from '../../../src/index.js'
import { squaredDistances, sumsWithin } from '../../../src/native/vectors.js'
import { difference } from '../../../src/quality/drift.js'
import { lengthsOf } from '../../../src/quality/norms.js'
import {
  bestBound,
  energyCoefficient,
  neighbourAuc,
  orderOf,
  ownNeighbours,
  pooledLists,
} from '../../../src/quality/two-samples.js'
import { distance, exactLists, Gauss, SEED, squaredOf } from './data.js'

const random = new Gauss(SEED)
const signal = new AbortController().signal

const rowsOf = (count: number, size: number, by = (row: number[]) => row) =>
  Array.from({ length: count }, () => by(random.vector(size)))
const sideOf = (rows: readonly number[][]) => {
  const vectors = Float32Array.from(rows.flat())
  return { vectors, lengths: lengthsOf(vectors, rows[0]?.length as number) }
}
const driftBetween = (a: number[][], b: number[][], metric: 'Euclid' | 'Cosine' = 'Euclid') =>
  difference(sideOf(a), sideOf(b), { dim: a[0]?.length as number, metric, seed: random.below(2 ** 31), signal })

describe('the kernel', () => {
  it('computes the distances of all pairs', async () => {
    const rows = rowsOf(70, 9)
    const found = await squaredDistances(Float32Array.from(rows.flat()), 9)
    for (const [at, expected] of squaredOf(rows).entries()) expect(found[at]).toBeCloseTo(expected, 3)
    expect(await squaredDistances(new Float32Array(0), 9)).toHaveLength(0)
    await expect(squaredDistances(new Float32Array(10), 9)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('sums distances within splits', async () => {
    const rows = rowsOf(150, 4)
    const distances = squaredOf(rows)
    const labels = Uint8Array.from({ length: 3 * 150 }, () => random.below(2))
    for (const [split, sum] of (await sumsWithin(distances, labels)).entries()) {
      let expected = 0
      for (const [at, squared] of distances.entries()) {
        const [a, b] = [Math.floor(at / 150), at % 150]
        if (labels[split * 150 + a] && labels[split * 150 + b]) expected += squared
      }
      expect(Math.abs(sum / expected - 1)).toBeLessThan(1e-4)
    }
    for (const wrong of [new Float32Array(3), new Float32Array(0)]) {
      await expect(sumsWithin(wrong, labels)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(sumsWithin(distances, new Uint8Array(151))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('statistics of two samples', () => {
  const rows = [...rowsOf(60, 5), ...rowsOf(40, 5, (row) => row.map((value) => value + 0.5))]
  const labels = Uint8Array.from(rows.keys(), (at) => (at < 60 ? 0 : 1))

  it('of neighbours are those of exact lists', () => {
    const lists = pooledLists(100, squaredOf(rows))
    const exact = exactLists(rows, 20)
    const own = exact.flatMap((list, at) => list.filter(({ other }) => labels[other] === labels[at])).length
    expect(ownNeighbours(lists)(labels)).toBeCloseTo(own / 2_000, 10)
    const scores = exact.map((list) => list.filter(({ other }) => labels[other] === 1).length)
    let above = 0
    for (const current of scores.slice(60)) {
      for (const reference of scores.slice(0, 60)) above += current > reference ? 1 : current === reference ? 0.5 : 0
    }
    expect(neighbourAuc(lists, labels)).toBeCloseTo(above / 2_400, 10)
  })

  it('of energy are the means of all distances', async () => {
    const distances = squaredOf(rows).map(Math.sqrt)
    const [found] = await energyCoefficient(100, distances)(labels)
    const mean = (as: number[][], bs: number[][]) =>
      as.reduce((sum, a) => sum + bs.reduce((part, b) => part + distance(a, b), 0), 0) / (as.length * bs.length)
    const [reference, current] = [rows.slice(0, 60), rows.slice(60)]
    const between = 2 * mean(reference, current)
    expect(found).toBeCloseTo((between - mean(reference, reference) - mean(current, current)) / between, 4)
  })

  it('of numbers are those of the best bound, and equal numbers have no order', () => {
    const order = orderOf(Float64Array.of(1, 1, 1, 2, 2, 3, 3, 5))
    const one = bestBound(order(Uint8Array.of(0, 1, 0, 1, 0, 1, 0, 1)))
    expect(one).toEqual(bestBound(order(Uint8Array.of(1, 0, 0, 0, 1, 0, 1, 1))))
    // Below 5 are all of the reference, and three of the four others: a difference of 1/4.
    expect(one.difference).toBeCloseTo(0.25, 10)
    expect(one.errors).toBeCloseTo(0.25 / Math.sqrt((7 / 8) * (1 / 8) * (1 / 2)), 10)
    expect(bestBound(order(Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1))).difference).toBe(0.75)
    expect(bestBound(orderOf(new Float64Array(4))(Uint8Array.of(0, 1, 0, 1)))).toEqual({ errors: 0, difference: 0 })
  })
})

describe('drift', () => {
  it('is rarely told of splits of one set, and p-values are spread', async () => {
    let alarms = 0
    const pValues: number[] = []
    for (let at = 0; at < 20; at++) {
      const { drifted, energy } = await driftBetween(rowsOf(80, 6), rowsOf(80, 6))
      if (drifted) alarms++
      pValues.push(energy.pValue)
    }
    // Four alarms of 20 come with a probability of 4e-5.
    expect(alarms).toBeLessThan(4)
    expect(Math.max(...pValues)).toBeGreaterThan(0.4)
  })

  it('is told where a tenth of the rows are of another kind', async () => {
    const told = await driftBetween(rowsOf(300, 8), [
      ...rowsOf(270, 8),
      ...rowsOf(30, 8, (row) => row.map((value) => value + 3)),
    ])
    expect(told).toMatchObject({ reference: 300, current: 300, drifted: true })
    expect(told.novelty.pValue).toBeLessThan(0.0025)
  })

  it('is told by lengths where a tenth is scaled, but not under Cosine', async () => {
    const unit = (row: number[]) => row.map((value) => value / Math.hypot(...row))
    const scaled = [...rowsOf(270, 8, unit), ...rowsOf(30, 8, (row) => unit(row).map((value) => 1.1 * value))]
    const told = await driftBetween(rowsOf(300, 8, unit), scaled)
    expect(told.drifted).toBe(true)
    expect(told.norms?.pValue).toBeLessThan(0.0025)
    expect((await driftBetween(rowsOf(300, 8, unit), rowsOf(300, 8, unit), 'Cosine')).norms).toBeUndefined()
  })
})

describe('the drift of a collection', () => {
  let database: Database
  let collection: Collection
  beforeAll(async () => {
    database = await open(':memory:')
    collection = await database.createCollection('drifting', { vectors: { size: 6, distance: 'Euclid' } })
    await write(0, rowsOf(200, 6), 'first')
  })
  afterAll(() => database.close())

  const write = (from: number, rows: readonly number[][], day: string) =>
    collection.upsert(rows.map((vector, at) => ({ id: from + at, vector, payload: { day } })))
  const driftNow = async () => (await collection.quality({ seed: SEED })).vectors[0]

  it('is not told without a reference, and not of too few points', async () => {
    expect((await driftNow())?.drift).toBeUndefined()
    await collection.setQualityReference()
    const told = await driftNow()
    expect(told?.drift).toBeUndefined()
    expect(told?.notes.join()).toMatch(/drift: .*current.* 0/)
  })

  it('is that of points after an operation', async () => {
    await write(
      1_000,
      rowsOf(200, 6, (row) => row.map((value) => value + 1)),
      'second',
    )
    const report = await collection.quality({ seed: SEED })
    expect(report.reference?.operationId).toBeLessThan(report.operationId)
    expect(report.vectors[0]?.drift).toMatchObject({ reference: 200, current: 200, drifted: true })
    expect(report.vectors[0]?.drift?.auc).toBeGreaterThan(0.6)
  })

  it('is that of points which a filter does not match', async () => {
    await write(2_000, rowsOf(100, 6), 'third')
    const first = { must: [{ key: 'day', match: { any: ['first'] } }] }
    await collection.setQualityReference({ filter: first })
    const report = await collection.quality({ seed: SEED })
    expect(report.reference).toEqual({ filter: first })
    expect(report.vectors[0]?.drift).toMatchObject({ reference: 200, current: 300, drifted: true })
  })

  it('ends with its reference', async () => {
    expect(await collection.deleteQualityReference()).toBe(true)
    expect(await collection.deleteQualityReference()).toBe(false)
    expect((await driftNow())?.drift).toBeUndefined()
  })

  it('refuses a reference that is none', async () => {
    await expect(collection.setQualityReference({ operationId: 1e6 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { field: 'operationId' },
    })
    await expect(collection.setQualityReference({ operationId: 1, filter: {} })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(collection.setQualityReference({ filter: { must: [{ key: '' }] } as never })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
