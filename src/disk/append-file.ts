import type { FileHandle } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { errnoOf, ioError } from './io-errors.js'

/** Consecutive calls without progress before a write gives up. */
const MAX_RETRIES = 1_000
/** The operating system accepts at most this many buffers in one call. */
const MAX_BUFFERS = 1_024

/**
 * A file that grows at its end. Calls of `append` and `truncate` take turns. `sync` may run at the same time and covers
 * everything appended before it began.
 */
export class AppendFile {
  #size: number

  constructor(
    private readonly handle: FileHandle,
    readonly path: string,
    size: number,
  ) {
    this.#size = size
  }

  /** Bytes of complete appends. The rest of a failed append does not count, and the next one overwrites it. */
  get size(): number {
    return this.#size
  }

  /** Writes all buffers at the end, or throws with `size` unchanged. */
  async append(buffers: readonly Uint8Array[]): Promise<void> {
    const position = await writeAll(this.handle, this.path, buffers, this.#size)
    this.#size = position
  }

  /** Puts the data on stable storage, with the metadata needed to read it back. */
  async sync(): Promise<void> {
    try {
      await this.handle.datasync()
    } catch (cause) {
      throw ioError(cause, 'sync', this.path)
    }
  }

  async truncate(size: number): Promise<void> {
    try {
      await this.handle.truncate(size)
    } catch (cause) {
      throw ioError(cause, 'truncate', this.path)
    }
    this.#size = size
  }

  async close(): Promise<void> {
    try {
      await this.handle.close()
    } catch (cause) {
      throw ioError(cause, 'close', this.path)
    }
  }
}

async function writeAll(
  handle: FileHandle,
  path: string,
  buffers: readonly Uint8Array[],
  from: number,
): Promise<number> {
  let waiting = buffers.filter((buffer) => buffer.byteLength > 0)
  let position = from
  let retries = 0
  while (waiting.length > 0) {
    let written = 0
    try {
      written = (await handle.writev(waiting.slice(0, MAX_BUFFERS), position)).bytesWritten
    } catch (cause) {
      const errno = errnoOf(cause)
      if ((errno !== 'EINTR' && errno !== 'EAGAIN') || retries >= MAX_RETRIES) throw ioError(cause, 'write', path)
    }
    retries = written === 0 ? retries + 1 : 0
    if (retries > MAX_RETRIES) throw ioError(new Error('the disk takes no bytes'), 'write', path)
    if (written === 0) await nextTurn()
    position += written
    waiting = withoutFirst(waiting, written)
  }
  return position
}

function withoutFirst(buffers: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  let index = 0
  while (index < buffers.length && left >= (buffers[index] as Uint8Array).byteLength) {
    left -= (buffers[index] as Uint8Array).byteLength
    index++
  }
  const rest = buffers.slice(index)
  if (left > 0) rest[0] = (rest[0] as Uint8Array).subarray(left)
  return rest
}
