import { type FileHandle, open } from 'node:fs/promises'
import { VicinalError } from '../core/errors.js'

/** A user's file, read by position. Positions may be beyond 4 GiB. */
export class FileBytes {
  private constructor(
    readonly path: string,
    readonly size: number,
    readonly modifiedMs: number,
    readonly handle: FileHandle,
  ) {}

  static async open(path: string): Promise<FileBytes> {
    try {
      const handle = await open(path, 'r')
      const { size, mtimeMs } = await handle.stat()
      return new FileBytes(path, size, mtimeMs, handle)
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      const text = code === 'ENOENT' ? 'no such file' : (cause as Error).message
      throw new VicinalError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO_FAILED', `${path}: ${text}`, { cause })
    }
  }

  /** Exactly these bytes, in a buffer of their own, so that any typed array can be laid over it. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    // A length read from the file may be any number.
    if (!(length >= 0 && position + length <= this.size)) {
      throw this.damaged(`ends at byte ${this.size}, expected ${position + length}`)
    }
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, position + done)
      if (bytesRead === 0) throw this.damaged(`ends at byte ${position + done}, expected ${position + length}`)
      done += bytesRead
    }
    return bytes
  }

  damaged(what: string): VicinalError {
    return new VicinalError('INVALID_ARGUMENT', `${this.path}: ${what}`)
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}
