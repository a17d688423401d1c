/**
 * Upserts of any size. Points of an iterable are gathered into batches, and the next batch is asked for when the one
 * before is written: that is the back-pressure. Each batch is a write of its own, all or nothing.
 */
import { rowsOf } from './column-rows.js'
import { copied } from './copied.js'
import type { ArrowTable, ColumnarPoints, UpsertResult, WriteResult } from './database.js'
import { renameField } from './error-field.js'
import type { Cleaning } from './ingest.js'
import { addCount } from './ingestion-rules.js'
import { LIMITS } from './limits.js'
import type { Point } from './point.js'
import { pointBytes } from './point-bytes.js'

export type PointsInMemory<P = unknown> = readonly Point<P>[] | ColumnarPoints | ArrowTable

/** One write: how many points it has, and how it is done. */
export interface Batch {
  points: number
  write(): Promise<WriteResult>
}

/**
 * Writes one batch after the other. The result is the last write's, with counts of all. Where one fails, the error counts
 * points from the first of all; `details.pointsWritten` are those of the batches before, which stay written.
 */
export async function writeBatches(batches: Iterable<Batch> | AsyncIterable<Batch>): Promise<UpsertResult> {
  let points = 0
  let written = 0
  let result: WriteResult | null = null
  let cleaning: Cleaning | null = null
  for await (const batch of batches) {
    try {
      result = await batch.write()
    } catch (error) {
      throw points === 0 ? error : countedFrom(points, error)
    }
    if (result.cleaning) cleaning = addedUp(cleaning, result.cleaning, points)
    points += batch.points
    written++
  }
  // There is a batch of nothing at least.
  return { ...(result as WriteResult), ...(cleaning ? { cleaning } : {}), points, batches: written }
}

/** With the rules' work on one batch more, whose points count from `first`. */
function addedUp(before: Cleaning | null, { byRule, errors, ...counts }: Cleaning, first: number): Cleaning {
  const all: Cleaning = before ?? {
    accepted: 0,
    rejected: 0,
    quarantined: 0,
    fixed: 0,
    flagged: 0,
    byRule: {},
    errors: [],
  }
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) all[key] += counts[key]
  for (const [rule, count] of Object.entries(byRule)) addCount(all.byRule, rule, count)
  const room = Math.max(0, LIMITS.ingestErrors - all.errors.length)
  all.errors.push(...errors.slice(0, room).map((one) => ({ ...one, row: one.row + first })))
  return all
}

function countedFrom(first: number, error: unknown): unknown {
  const shifted = (_: string, name: string, at: string) => `${name}[${Number(at) + first}]`
  const rename = (field: string) => field.replace(/^(points|ids|payloads)\[(\d+)\]/, shifted)
  return renameField(error, rename, { pointsWritten: first })
}

/** Points in memory of one write each; a value that is no points is one batch, which validation refuses. */
export async function* batchesOf(points: unknown): AsyncGenerator<readonly [PointsInMemory, count: number]> {
  if (isIterable(points)) {
    for await (const batch of gathered(points)) yield [batch, batch.length]
    return
  }
  const count = countOf(points)
  // A caller may empty the array, and fill it again.
  const list = (Array.isArray(points) ? points.slice() : points) as PointsInMemory
  for (let start = 0; start < Math.max(1, count); start += LIMITS.batchPoints) {
    const end = Math.min(count, start + LIMITS.batchPoints)
    yield [end - start === count ? list : sliced(list, start, end), end - start]
  }
}

/** How many points one write takes whole, so that all are read at the call; null of more, and of iterables. */
export function pointsOfOneWrite(points: unknown): number | null {
  const count = isIterable(points) ? Number.POSITIVE_INFINITY : countOf(points)
  return count <= LIMITS.batchPoints ? count : null
}

/** The points of a value that can be cut. An Arrow table is one write, whatever its size. */
function countOf(points: unknown): number {
  if (Array.isArray(points)) return points.length
  const { ids, numRows } = (points ?? {}) as { ids?: { length?: unknown }; numRows?: unknown }
  if (typeof numRows === 'number') return Math.min(numRows, LIMITS.batchPoints)
  return typeof ids?.length === 'number' ? ids.length : 0
}

function sliced(points: PointsInMemory, start: number, end: number): PointsInMemory {
  return Array.isArray(points) ? points.slice(start, end) : rowsOf(points as ColumnarPoints, start, end)
}

/** Whether points come one by one, and are not all in memory. */
export function isIterable(points: unknown): points is Iterable<Point<unknown>> | AsyncIterable<Point<unknown>> {
  if (points === null || typeof points !== 'object' || Array.isArray(points) || ArrayBuffer.isView(points)) return false
  return !('batches' in points) && (Symbol.iterator in points || Symbol.asyncIterator in points)
}

/** Gathers points into batches. An iterable without points gives one empty batch. */
export async function* gathered(
  points: Iterable<Point<unknown>> | AsyncIterable<Point<unknown>>,
): AsyncGenerator<Point<unknown>[]> {
  let batch: Point<unknown>[] = []
  let bytes = 0
  let isFirst = true
  let count = 0
  for await (const point of points) {
    const size = pointBytes(point ?? {}, `points[${count++}]`)
    if (batch.length > 0 && (batch.length >= LIMITS.batchPoints || bytes + size > LIMITS.upsertBatchBytes)) {
      yield batch
      isFirst = false
      batch = []
      bytes = 0
    }
    batch.push(ownPoint(point))
    bytes += size
  }
  if (isFirst || batch.length > 0) yield batch
}

/** An iterable may fill the same arrays and objects anew for its next point. */
export function ownPoint(point: Point<unknown>): Point<unknown> {
  if (point === null || typeof point !== 'object') return point
  const { id, vector, payload } = point
  return { ...point, id, vector: copied(vector), payload: copied(payload) }
}
