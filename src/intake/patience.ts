import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'

const RETRY_MS = 100
const COME_BACK: ReadonlySet<string> = new Set(['OVERLOADED', 'RESOURCE_EXHAUSTED', 'DISK_FULL'])

/**
 * Repeats a write while the error asks for it: the graph, the log or memory is full until the kernel catches up. That has
 * no end. It has one where the work that makes room has failed, as with a full disk.
 */
export async function patiently<T>(write: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let sinceMs: number | null = null
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof VicinalError) || !COME_BACK.has(error.code)) throw error
      const isEndless = error.code === 'OVERLOADED' && error.cause === undefined
      sinceMs = isEndless ? null : (sinceMs ?? performance.now())
      if (sinceMs !== null && performance.now() - sinceMs > LIMITS.ingestWaitMs) throw error
      await pause(error.retryAfterMs ?? RETRY_MS, signal)
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) throw new VicinalError('CANCELLED', 'the call was cancelled by its AbortSignal')
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}
