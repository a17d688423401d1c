import type { FileHandle } from 'node:fs/promises'
import { ioError } from './io-errors.js'

/** One read call takes at most 2 GiB; a bit less keeps it aligned. */
const MAX_READ_BYTES = 1024 * 1024 * 1024

/** A file opened for reading at any position. */
export class ReadFile {
  constructor(
    private readonly handle: FileHandle,
    readonly path: string,
  ) {}

  async size(): Promise<number> {
    try {
      return (await this.handle.stat()).size
    } catch (cause) {
      throw ioError(cause, 'read the facts of', this.path)
    }
  }

  /** Whether the file has lost its name. A file that has the same name now is another one. */
  async isRemoved(): Promise<boolean> {
    try {
      return (await this.handle.stat()).nlink === 0
    } catch (cause) {
      throw ioError(cause, 'read the facts of', this.path)
    }
  }

  /** The bytes from `position`; fewer than asked for only at the end of the file. */
  async read(position: number, bytes: number): Promise<Buffer> {
    const into = Buffer.allocUnsafeSlow(bytes)
    const got = await this.readInto(into, position)
    return got === bytes ? into : into.subarray(0, got)
  }

  /** Fills the buffer from `position`. Returns the number of bytes read; fewer only at the end of the file. */
  async readInto(into: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < into.byteLength) {
      const wanted = Math.min(MAX_READ_BYTES, into.byteLength - filled)
      try {
        const { bytesRead } = await this.handle.read(into, filled, wanted, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      } catch (cause) {
        throw ioError(cause, 'read', this.path)
      }
    }
    return filled
  }

  async close(): Promise<void> {
    await this.handle.close().catch(() => undefined)
  }
}
