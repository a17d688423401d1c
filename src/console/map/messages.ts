/** Messages between the page and the worker of its projection. */
import type { PointId } from '../service/types.js'

/** A page of neighbour lists, as the service tells it. */
export interface NeighbourPage {
  ids: PointId[]
  neighbours: PointId[][]
  distances: number[][]
  operation_id: number
  next_offset: PointId | null
}

export type ToProjection = { kind: 'page'; page: NeighbourPage } | { kind: 'project' }

/** Points at places 0 to `count` - 1; the coordinates are within -1 and 1. */
export interface Projected {
  ids: PointId[]
  x: Float32Array
  y: Float32Array
  /** Neighbours of each. */
  length: number
  /** `length` places of points for each point, nearest first, and the distances to them. */
  places: Int32Array
  distances: Float32Array
  /** Where many points are: places of labels. */
  clusters: Cluster[]
}

export interface Cluster {
  x: number
  y: number
  /** Points that are told to be in it. */
  members: Uint32Array
}

export type FromProjection =
  | { kind: 'progress'; share: number }
  | { kind: 'done'; projected: Projected }
  | { kind: 'failed'; message: string }
