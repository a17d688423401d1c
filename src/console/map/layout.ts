/** Lays points out on a plane by their neighbours: UMAP's forces, from a coarse map to the whole one. */
import { anyOf, coarser, type Graph } from './coarser.js'

/** So few points find their places without a coarse map. */
const FEW = 2_000
const FEW_EPOCHS = 500
/** Passes that replace random places by the surroundings' places. */
const SMOOTHINGS = 100
const SPREAD = 10
/** Moves of points on one level: few points are moved more often. */
const MOVES = 2_000_000
const LEAST_EPOCHS = 30
const RATE = 0.5
/** Points that one is pushed away from for each that it is drawn to. */
const PUSHES = 8
const LONGEST_MOVE = 4
/** Points at one place are pushed apart too. */
const NEARLY_NONE = 0.001
/** A point begins amid so many placed neighbours. */
const AMID = 3
const JITTER = 0.1
/** Passes by which places spread along neighbours; points that no path reaches begin at the middle. */
const SPREADS = 5
const BISECTIONS = 32
const CLOSE = 1e-3

/** Told after each epoch: the share of all moves that are made. */
export type Progress = (share: number) => void

/** x and y of each point, end to end. Equal graphs get equal places. */
export function layoutOf(graph: Graph, progress: Progress): Float32Array {
  const { count, length } = graph
  const places = new Float32Array(2 * count)
  if (count <= FEW) {
    scatter(graph, places)
    move(graph, places, FEW_EPOCHS, 1, progress)
    return places
  }
  const { chosen, ...rest } = coarser(graph)
  // A level is smaller than the next by a factor, and so is its work.
  const before = rest.count / count
  const inner = layoutOf({ ...rest, length }, (share) => progress(share * before))
  begin(graph, chosen, inner, places)
  const epochs = Math.max(LEAST_EPOCHS, Math.min(FEW_EPOCHS, Math.round(MOVES / count)))
  move(graph, places, epochs, RATE, (share) => progress(before + share * (1 - before)))
  return places
}

/**
 * Random places, each again and again replaced by the mean of it and its neighbours. The slowest differences are left:
 * the differences of whole regions.
 */
function scatter({ count, length, places }: Graph, to: Float32Array): void {
  for (let axis = 0; axis < 2; axis++) {
    let at = Float64Array.from({ length: count }, (_, point) => anyOf(2 * point + axis))
    for (let pass = 0; pass < SMOOTHINGS; pass++) {
      const next = at.slice()
      for (let edge = 0; edge < places.length; edge++) {
        const point = Math.floor(edge / length)
        next[point] = (next[point] as number) + (at[places[edge] as number] as number)
      }
      at = next.map((sum) => sum / (length + 1))
    }
    const mean = at.reduce((sum, one) => sum + one, 0) / count
    const deviation = Math.sqrt(at.reduce((sum, one) => sum + (one - mean) ** 2, 0) / count) || 1
    for (let point = 0; point < count; point++) {
      to[2 * point + axis] = (((at[point] as number) - mean) / deviation) * SPREAD + (anyOf(~point) - 0.5) * JITTER
    }
  }
}

/** Chosen points stand as on the coarse map, which grows with the number of points; the others amid their neighbours. */
function begin({ count, length, places }: Graph, chosen: Int32Array, inner: Float32Array, to: Float32Array): void {
  const grown = Math.sqrt(count / chosen.length)
  const placedIn = new Uint8Array(count)
  for (const [at, point] of chosen.entries()) {
    placedIn[point] = 1
    to[2 * point] = (inner[2 * at] as number) * grown
    to[2 * point + 1] = (inner[2 * at + 1] as number) * grown
  }
  for (let pass = 2; pass < 2 + SPREADS; pass++) {
    for (let point = 0; point < count; point++) {
      if (placedIn[point] !== 0) continue
      let near = 0
      let x = 0
      let y = 0
      for (let at = point * length; at < (point + 1) * length && near < AMID; at++) {
        const other = places[at] as number
        // Points of this pass do not count yet, so that the order of points has no effect.
        if (placedIn[other] === 0 || placedIn[other] === pass) continue
        near++
        x += to[2 * other] as number
        y += to[2 * other + 1] as number
      }
      if (near === 0) continue
      placedIn[point] = pass
      to[2 * point] = x / near + (anyOf(2 * point) - 0.5) * JITTER
      to[2 * point + 1] = y / near + (anyOf(2 * point + 1) - 0.5) * JITTER
    }
  }
}

/**
 * Neighbours draw each other as often as they are close, and push others away, less far from epoch to epoch. The forces
 * are UMAP's with a = b = 1, which needs no powers. Numbers by chance are made here (xorshift): a call for each would be
 * most of the time.
 */
function move(graph: Graph, at: Float32Array, epochs: number, rate: number, progress: Progress): void {
  const { count, length, places } = graph
  const chances = closenessOf(graph)
  let chance = count | 1
  for (let epoch = 0; epoch < epochs; epoch++) {
    const step = rate * (1 - epoch / epochs)
    for (let point = 0, edge = 0; point < count; point++) {
      let x = at[2 * point] as number
      let y = at[2 * point + 1] as number
      for (const end = edge + length; edge < end; edge++) {
        chance ^= chance << 13
        chance ^= chance >>> 17
        chance ^= chance << 5
        if ((chance >>> 0) / 2 ** 32 > (chances[edge] as number)) continue
        const other = 2 * (places[edge] as number)
        let right = x - (at[other] as number)
        let up = y - (at[other + 1] as number)
        let force = -2 / (1 + right * right + up * up)
        right = bounded(force * right) * step
        up = bounded(force * up) * step
        x += right
        y += up
        at[other] = (at[other] as number) - right
        at[other + 1] = (at[other + 1] as number) - up
        for (let push = 0; push < PUSHES; push++) {
          chance ^= chance << 13
          chance ^= chance >>> 17
          chance ^= chance << 5
          const any = 2 * ((chance >>> 0) % count)
          right = x - (at[any] as number)
          up = y - (at[any + 1] as number)
          const squared = right * right + up * up
          force = 2 / ((NEARLY_NONE + squared) * (1 + squared))
          x += bounded(force * right) * step
          y += bounded(force * up) * step
        }
      }
      at[2 * point] = x
      at[2 * point + 1] = y
    }
    progress((epoch + 1) / epochs)
  }
}

function bounded(move: number): number {
  return Math.max(-LONGEST_MOVE, Math.min(LONGEST_MOVE, move))
}

/**
 * How close each neighbour is, from 1 for the nearest. As in UMAP it falls off with the distance beyond the nearest.
 * The fall makes the sum of each point the logarithm of the number of its neighbours.
 */
function closenessOf({ count, length, distances }: Graph): Float32Array {
  const close = new Float32Array(count * length)
  const wanted = Math.log2(length)
  for (let from = 0; from < close.length; from += length) {
    const nearest = distances[from] as number
    let least = 0
    let most = Number.POSITIVE_INFINITY
    let scale = 1
    for (let step = 0; step < BISECTIONS; step++) {
      let sum = 0
      for (let at = from; at < from + length; at++) {
        close[at] = Math.exp((nearest - (distances[at] as number)) / scale)
        sum += close[at] as number
      }
      if (Math.abs(sum - wanted) < CLOSE) break
      if (sum > wanted) most = scale
      else least = scale
      scale = most === Number.POSITIVE_INFINITY ? 2 * scale : (least + most) / 2
    }
  }
  return close
}
