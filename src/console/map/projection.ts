/** Asks the service for neighbours and has them projected. */
import { ask } from '../service/session'
import type { FromProjection, NeighbourPage, Projected, ToProjection } from './messages'

/** Points of a page: as many as the service gives. */
const PAGE_POINTS = 4_096

export interface AskedMap {
  path: string
  using: string
  /** The share of the points. */
  share: number
  /** Points of the map, and neighbours, meet it. */
  filter: object | undefined
  signal: AbortSignal
  /** Points that came, then the share of the projection that is done. */
  onProgress: (step: 'neighbours' | 'projection', done: number) => void
}

/** Also tells the last operation that the map surely knows. */
export async function projectionOf(asked: AskedMap): Promise<Projected & { operation: number }> {
  const worker = new Worker(new URL('./projection.worker.ts', import.meta.url), { type: 'module' })
  const say = (message: ToProjection) => worker.postMessage(message)
  try {
    let offset: NeighbourPage['next_offset'] = null
    let operation: number | null = null
    let points = 0
    do {
      const page: NeighbourPage = await neighbourPage(asked, { offset })
      operation ??= page.operation_id
      points += page.ids.length
      say({ kind: 'page', page })
      asked.onProgress('neighbours', points)
      offset = page.next_offset
    } while (offset !== null)
    return { ...(await projected(worker, say, asked)), operation }
  } finally {
    worker.terminate()
  }
}

export function neighbourPage(
  { path, using, share, filter, signal }: Omit<AskedMap, 'onProgress'>,
  more: { offset?: NeighbourPage['next_offset']; after_operation?: number },
): Promise<NeighbourPage> {
  const body = { using, share, filter, limit: PAGE_POINTS, ...more }
  return ask<NeighbourPage>('POST', `${path}/quality/neighbours`, body, signal)
}

function projected(worker: Worker, say: (message: ToProjection) => void, asked: AskedMap): Promise<Projected> {
  const { signal, onProgress } = asked
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    worker.addEventListener('error', ({ message }) => reject(new Error(`The projection ended: ${message}`)))
    worker.addEventListener('message', ({ data }: MessageEvent<FromProjection>) => {
      if (data.kind === 'progress') onProgress('projection', data.share)
      else if (data.kind === 'done') resolve(data.projected)
      else reject(new Error(data.message))
    })
    onProgress('projection', 0)
    say({ kind: 'project' })
  })
}
