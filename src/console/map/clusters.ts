/** Where the points of a map are dense. */
import { findClusters } from 'embedding-atlas'
import type { Cluster } from './messages'

/** Cells of the density map on each side. */
const CELLS = 160
/** Empty cells around the map, so that a blurred edge does not wrap to the other side. */
const MARGIN = 16
const INNER = CELLS - 2 * MARGIN
/** Passes of a box of three cells, which together are nearly a Gaussian. */
const BLURS = 4
const VALLEY = 0.1
const MOST_CLUSTERS = 24
/** Clusters with a lesser share of the points get no label. */
const LEAST_SHARE = 0.005

export async function clustersOf(x: Float32Array, y: Float32Array): Promise<Cluster[]> {
  const cellOf = (at: number) => cell(y[at] as number) * CELLS + cell(x[at] as number)
  const density = new Float32Array(CELLS * CELLS)
  for (let at = 0; at < x.length; at++) density[cellOf(at)] = (density[cellOf(at)] as number) + 1
  for (let pass = 0; pass < BLURS; pass++) blur(density)
  const [sum, most] = density.reduce(([all, greatest], one) => [all + one, Math.max(greatest, one)], [0, 0])
  // Peaks are apart if the valley between them is deeper than this.
  const found = await findClusters(density, CELLS, CELLS, { unionThreshold: VALLEY * most })
  const largest = found
    .filter(({ sumDensity }) => sumDensity >= LEAST_SHARE * sum)
    .sort((a, b) => b.sumDensity - a.sumDensity)
    .slice(0, MOST_CLUSTERS)
  const members: number[][] = largest.map(() => [])
  for (let at = 0; at < x.length; at++)
    members[nearest(largest, cell(x[at] as number), cell(y[at] as number))]?.push(at)
  return largest.map(({ meanX, meanY }, which) => ({
    x: coordinate(meanX),
    y: coordinate(meanY),
    members: Uint32Array.from(members[which] as number[]),
  }))
}

function nearest(clusters: readonly { meanX: number; meanY: number }[], x: number, y: number): number {
  let [best, least] = [-1, Number.POSITIVE_INFINITY]
  for (const [which, { meanX, meanY }] of clusters.entries()) {
    const distance = (meanX - x) ** 2 + (meanY - y) ** 2
    if (distance < least) [best, least] = [which, distance]
  }
  return best
}

function cell(coordinate: number): number {
  return MARGIN + Math.min(INNER - 1, Math.floor(((coordinate + 1) / 2) * INNER))
}

function coordinate(cells: number): number {
  return ((cells - MARGIN + 0.5) / INNER) * 2 - 1
}

function blur(density: Float32Array): void {
  for (const step of [1, CELLS]) {
    const before = density.slice()
    for (let at = step; at < density.length - step; at++) {
      density[at] = ((before[at - step] as number) + (before[at] as number) + (before[at + step] as number)) / 3
    }
  }
}
