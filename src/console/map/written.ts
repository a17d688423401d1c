/** Points that were written since a map was drawn: each stands amid its neighbours. */
import { useEffect, useState } from 'preact/hooks'
import type { PointId } from '../service/types'
import type { NeighbourPage, Projected } from './messages'
import { neighbourPage } from './projection'

const LOOK_EVERY_MS = 3_000
/** A new point stands amid so many of its neighbours. */
const AMID = 3

interface Known {
  points: Projected
  /** Places of the points that were written. */
  lit: ReadonlySet<number>
  error: Error | null
}

/** Looks again and again, as long as the page is shown. */
export function useWritten(
  path: string,
  drawn: Projected & { using: string; share: number; operation: number },
): Known {
  const [known, setKnown] = useState<Known>({ points: drawn, lit: new Set(), error: null })
  useEffect(() => {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let now: Known = { points: drawn, lit: new Set(), error: null }
    let { operation } = drawn
    const placeOf = new Map(drawn.ids.map((id, place) => [id, place]))
    const look = async () => {
      try {
        if (!document.hidden) {
          const { signal } = stop
          const page = await neighbourPage({ path, ...drawn, signal }, { after_operation: operation })
          operation = page.operation_id
          if (page.ids.length > 0 || now.error) now = withPage(now, page, placeOf)
        }
      } catch (error) {
        now = { ...now, error: error as Error }
      }
      if (stop.signal.aborted) return
      setKnown(now)
      timer = setTimeout(look, LOOK_EVERY_MS)
    }
    timer = setTimeout(look, LOOK_EVERY_MS)
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [path, drawn])
  return known
}

function withPage({ points, lit }: Known, page: NeighbourPage, placeOf: Map<PointId, number>): Known {
  const { length } = points
  const before = points.ids.length
  const marked = new Set(lit)
  const added = {
    ids: [] as PointId[],
    x: [] as number[],
    y: [] as number[],
    places: [] as number[],
    distances: [] as number[],
  }
  for (const [row, id] of page.ids.entries()) {
    const known = placeOf.get(id)
    if (known !== undefined) marked.add(known)
    // New points may be neighbours of each other: only those of the map have a place yet.
    const near = (page.neighbours[row] as PointId[]).flatMap((other, rank) => {
      const place = placeOf.get(other)
      return place !== undefined && place < before ? [{ place, distance: page.distances[row]?.[rank] as number }] : []
    })
    const nearest = near.slice(0, AMID)
    if (known !== undefined || nearest.length === 0) continue
    const place = before + added.ids.push(id) - 1
    placeOf.set(id, place)
    marked.add(place)
    added.x.push(mean(nearest.map((other) => points.x[other.place] as number)))
    added.y.push(mean(nearest.map((other) => points.y[other.place] as number)))
    for (let rank = 0; rank < length; rank++) {
      const { place: other, distance } = near[Math.min(rank, near.length - 1)] as (typeof near)[number]
      added.places.push(other)
      added.distances.push(distance)
    }
  }
  return {
    points: {
      ...points,
      ids: [...points.ids, ...added.ids],
      x: joined(Float32Array, points.x, added.x),
      y: joined(Float32Array, points.y, added.y),
      places: joined(Int32Array, points.places, added.places),
      distances: joined(Float32Array, points.distances, added.distances),
    },
    lit: marked,
    error: null,
  }
}

function joined<T extends Float32Array | Int32Array>(
  Kind: new (length: number) => T,
  before: T,
  after: readonly number[],
): T {
  const all = new Kind(before.length + after.length)
  all.set(before)
  all.set(after, before.length)
  return all
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
