/** Checks that all ways of reading agree: scroll, count, retrieve, exact search, filters with and without an index. */
import type { Collection, StoredPoint } from '../../src/core/database.js'
import type { Random } from './fault-random.js'
import { pointText } from './fault-state.js'
import { IMAGE_SIZE, TAGS } from './fault-workload.js'

const SAMPLES = 5

export class Inconsistency extends Error {
  override readonly name = 'Inconsistency'
}

export async function checkConsistency(main: Collection, random: Random): Promise<void> {
  const points: StoredPoint[] = []
  for await (const point of main.scroll({ withVector: true, limit: 1_000 })) points.push(point)
  const count = await main.count()
  if (count !== points.length) throw new Inconsistency(`count says ${count}, scroll gives ${points.length}`)
  for (const point of points) checkVectors(point)
  await checkFilters(main, points)
  for (let i = 0; i < Math.min(SAMPLES, points.length); i++) {
    await compareSearch(main, points, random)
    await checkRetrieve(main, random.pick(points))
  }
}

function checkVectors({ id, vector }: StoredPoint): void {
  for (const [name, values] of Object.entries(vector as Record<string, Float32Array>)) {
    if (values.every((value) => value === 0)) throw new Inconsistency(`zeroed vector: ${name} of id ${id}`)
  }
  if (!('image' in (vector as object))) throw new Inconsistency(`id ${id} has lost its vector image`)
}

async function checkFilters(main: Collection, points: readonly StoredPoint[]): Promise<void> {
  for (const tag of TAGS) {
    const expected = points
      .filter(({ payload }) => (payload as Record<string, unknown> | undefined)?.tag === tag)
      .map(({ id }) => String(id))
    const filter = { must: [{ key: 'tag', match: { value: tag } }] }
    const found: string[] = []
    for await (const point of main.scroll({ filter, withPayload: false, limit: 1_000 })) found.push(String(point.id))
    if (found.sort().join() !== expected.sort().join()) {
      throw new Inconsistency(
        `tag ${tag}: the filter finds ${found.length} points, the payloads say ${expected.length}`,
      )
    }
    const counted = await main.count({ filter })
    if (counted !== expected.length)
      throw new Inconsistency(`tag ${tag}: count says ${counted}, the payloads ${expected.length}`)
  }
}

/** One exact search. */
export async function checkSearch(main: Collection, random: Random): Promise<void> {
  const points: StoredPoint[] = []
  for await (const point of main.scroll({ withVector: true, withPayload: false, limit: 1_000 })) points.push(point)
  await compareSearch(main, points, random)
}

/** Compares exact search with brute force over the scrolled points. */
async function compareSearch(main: Collection, points: readonly StoredPoint[], random: Random): Promise<void> {
  const query = Float32Array.from({ length: IMAGE_SIZE }, () => random.next() * 2 - 1)
  const limit = 10
  const hits = await main.query({ query, using: 'image', limit, params: { exact: true } })
  const scores = new Map(
    points.map((point) => [String(point.id), dot(query, (point.vector as Record<string, Float32Array>).image!)]),
  )
  const best = [...scores.values()].sort((a, b) => b - a).slice(0, limit)
  if (hits.length !== best.length) throw new Inconsistency(`search finds ${hits.length} points of ${best.length}`)
  for (const [rank, hit] of hits.entries()) {
    const score = scores.get(String(hit.id))
    if (score === undefined) throw new Inconsistency(`search finds id ${hit.id}, which scroll does not`)
    if (!near(hit.score, score) || !near(hit.score, best[rank]!)) {
      throw new Inconsistency(
        `search: rank ${rank} is id ${hit.id} with ${hit.score}, brute force says ${score}, best ${best[rank]}`,
      )
    }
  }
}

async function checkRetrieve(main: Collection, point: StoredPoint): Promise<void> {
  const [found] = await main.retrieve([point.id], { withVector: true })
  if (!found || pointText(found) !== pointText(point))
    throw new Inconsistency(`id ${point.id}: retrieve and scroll differ`)
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(a), Math.abs(b))
