/** Projects points onto a plane by their neighbours, apart from the page's own thread. */
import { clustersOf } from './clusters'
import { layoutOf } from './layout'
import type { FromProjection, Projected, ToProjection } from './messages'
import { NeighbourLists } from './neighbour-lists'

const PROGRESS_EVERY_MS = 200

let pages: NeighbourLists | null = new NeighbourLists()
const tell = (message: FromProjection) => self.postMessage(message)

self.addEventListener('message', ({ data }: MessageEvent<ToProjection>) => {
  if (data.kind === 'page') pages?.add(data.page)
  else {
    project().then(
      (projected) => tell({ kind: 'done', projected }),
      (failure) => tell({ kind: 'failed', message: failure instanceof Error ? failure.message : String(failure) }),
    )
  }
})

async function project(): Promise<Projected> {
  const lists = (pages ?? new NeighbourLists()).lists()
  pages = null
  const count = lists.ids.length
  let toldMs = 0
  const places = layoutOf({ ...lists, count }, (share) => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return
    toldMs = performance.now()
    tell({ kind: 'progress', share })
  })
  const [x, y] = [new Float32Array(count), new Float32Array(count)]
  for (let at = 0; at < count; at++) {
    x[at] = places[2 * at] as number
    y[at] = places[2 * at + 1] as number
  }
  fit(x, y)
  return { ...lists, x, y, clusters: await clustersOf(x, y) }
}

/** Moves the coordinates to -1 to 1, by one factor for both axes. */
function fit(x: Float32Array, y: Float32Array): void {
  const [horizontal, vertical] = [rangeOf(x), rangeOf(y)]
  const half = Math.max(horizontal.most - horizontal.least, vertical.most - vertical.least) / 2 || 1
  for (const [axis, { least, most }] of [
    [x, horizontal],
    [y, vertical],
  ] as const) {
    for (let at = 0; at < axis.length; at++) axis[at] = ((axis[at] as number) - (least + most) / 2) / half
  }
}

function rangeOf(axis: Float32Array): { least: number; most: number } {
  return axis.reduce(({ least, most }, one) => ({ least: Math.min(least, one), most: Math.max(most, one) }), {
    least: Number.POSITIVE_INFINITY,
    most: Number.NEGATIVE_INFINITY,
  })
}
