import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FlushBatch } from '../native/addon.js'

type BatchArray = Uint8Array | Int32Array | Uint32Array | BigInt64Array | Float32Array
type ArrayMaker = new (buffer: ArrayBuffer, byteOffset: number, length: number) => BatchArray

/** Bytes copied in one turn of the event loop: touching new memory of this size takes 1 ms. */
const PIECE_BYTES = 512 * 1024
const ALIGNMENT = 8

/** The batch with each array replaced by the result of `replace`. The order of calls is always the same. */
export function withArrays(batch: FlushBatch, replace: <T extends BatchArray>(array: T) => T): FlushBatch {
  return {
    ...batch,
    ids: { bytes: replace(batch.ids.bytes), offsets: replace(batch.ids.offsets) },
    seqs: replace(batch.seqs),
    deleted: replace(batch.deleted),
    crcs: replace(batch.crcs),
    payloads: { bytes: replace(batch.payloads.bytes), offsets: replace(batch.payloads.offsets) },
    vectors: batch.vectors.map(({ data, counts, sparse }) => ({
      data: replace(data),
      counts: replace(counts),
      ...(sparse ? { sparse: { indices: replace(sparse.indices), offsets: replace(sparse.offsets) } } : {}),
    })),
  }
}

/**
 * The buffers below the batch's arrays, each once. Empty ones are left out: a library may share one for all of them.
 */
export function buffersOf(batch: FlushBatch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  withArrays(batch, (array) => {
    if (array.buffer.byteLength > 0) buffers.add(array.buffer as ArrayBuffer)
    return array
  })
  return [...buffers]
}

/**
 * Copies the batch into one buffer that can be transferred to another thread. Node cannot transfer memory that the
 * kernel allocated; before Node 21 it copies such memory in one go.
 */
export async function copyBatch(batch: FlushBatch): Promise<FlushBatch> {
  const places: { array: BatchArray; at: number }[] = []
  let bytes = 0
  withArrays(batch, (array) => {
    places.push({ array, at: bytes })
    bytes += Math.ceil(array.byteLength / ALIGNMENT) * ALIGNMENT
    return array
  })
  const buffer = new ArrayBuffer(bytes)
  for (const { array, at } of places) await copyInto(array, buffer, at)
  let next = 0
  return withArrays(batch, (array) => {
    const { at } = places[next++] as { at: number }
    return new (array.constructor as ArrayMaker)(buffer, at, array.length) as typeof array
  })
}

/** A copy that can be transferred to another thread, see `copyBatch`. */
export async function copyBytes(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new ArrayBuffer(bytes.byteLength)
  await copyInto(bytes, buffer, 0)
  return new Uint8Array(buffer)
}

async function copyInto(array: BatchArray, buffer: ArrayBuffer, at: number): Promise<void> {
  const from = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  const to = new Uint8Array(buffer, at, array.byteLength)
  for (let done = 0; done < from.length; done += PIECE_BYTES) {
    if (done > 0) await nextTurn()
    to.set(from.subarray(done, done + PIECE_BYTES), done)
  }
}
