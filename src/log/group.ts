import { setImmediate as nextTurn } from 'node:timers/promises'
import { crc32c } from '../native/checksum.js'
import { encodeRecordHeader } from './format.js'

/** Bytes checksummed in one turn of the event loop. */
const SLICE_BYTES = 1024 * 1024

export interface QueuedRecord {
  seq: number
  /** The body's buffers, written end to end. */
  chunks: Uint8Array[]
  bytes: number
  written: Settled
  durable: Settled
}

export interface Settled {
  promise: Promise<void>
  resolve(): void
  reject(error: Error): void
}

/** A promise with its `resolve` and `reject`. Its rejection never counts as unhandled, even if nobody waits for it. */
export function settled(): Settled {
  let resolve = () => {}
  let reject = (_error: Error) => {}
  const promise = new Promise<void>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise
    reject = rejectPromise
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

/** The buffers of a group of records, each with its header. */
export async function frameRecords(
  group: readonly QueuedRecord[],
  seed: number,
  syncedSeq: number,
): Promise<Uint8Array[]> {
  const buffers: Uint8Array[] = []
  let sliced = 0
  for (const { seq, chunks, bytes } of group) {
    let bodyCrc = seed
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.byteLength; at += SLICE_BYTES) {
        const slice = chunk.subarray(at, at + SLICE_BYTES)
        bodyCrc = crc32c(slice, bodyCrc)
        sliced += slice.byteLength
        if (sliced < SLICE_BYTES) continue
        sliced = 0
        await nextTurn()
      }
    }
    buffers.push(encodeRecordHeader({ bodyBytes: bytes, bodyCrc, seq, syncedSeq }, seed), ...chunks)
  }
  return buffers
}
