/** A file that gets lines, and is shared with programs that move it away. */
import { type FileHandle, open } from 'node:fs/promises'

/** Bytes of lines that wait for the disk; further lines are lost, and counted. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024
const MODE = 0o600

/** Lines of all files of this thread, as the metrics tell them. */
export const lineCounts = { written: 0, lost: 0 }

/**
 * Appends lines. Several threads may have the same file open: each write is a whole number of lines, and the system
 * appends it as one. A line that cannot be written, as on a full disk, is lost: the work that it tells of goes on.
 */
export class LineFile {
  readonly #path: string
  readonly #onTrouble: (error: Error, lost: number) => void
  #file: FileHandle
  #waiting: string[] = []
  #waitingBytes = 0
  /** A write was cut off within a line. */
  #isTorn = false
  #isReopening = false
  #writing: Promise<void> | null = null

  private constructor(path: string, file: FileHandle, onTrouble: (error: Error, lost: number) => void) {
    this.#path = path
    this.#file = file
    this.#onTrouble = onTrouble
  }

  /** Makes the file with mode 0600 if it is not there. `onTrouble` hears how many lines were lost each time. */
  static async open(path: string, onTrouble: (error: Error, lost: number) => void): Promise<LineFile> {
    return new LineFile(path, await open(path, 'a', MODE), onTrouble)
  }

  /** `line` ends with a line feed. */
  write(line: string): void {
    if (this.#waitingBytes > MOST_WAITING_BYTES) {
      lineCounts.lost++
      if (lineCounts.lost % 1000 === 1) this.#onTrouble(new Error('the disk is too slow'), 1)
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#writing ??= this.#writeAll()
  }

  /** Opens the file of the name anew, since the old one may have been moved away. Lines that wait go to the new one. */
  async reopen(): Promise<void> {
    this.#isReopening = true
    this.#writing ??= this.#writeAll()
    await this.#writing
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing
    await this.#file.close().catch(() => undefined)
  }

  async #writeAll(): Promise<void> {
    // So that the lines of one turn of the event loop share a write, and `#writing` is set.
    await Promise.resolve()
    while (this.#waiting.length > 0 || this.#isReopening) {
      if (this.#isReopening) await this.#openAnew()
      const lines = this.#waiting.splice(0)
      this.#waitingBytes = 0
      if (lines.length > 0) await this.#append(lines)
    }
    this.#writing = null
  }

  async #append(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from((this.#isTorn ? '\n' : '') + lines.join(''))
    let at = 0
    try {
      while (at < bytes.length) at += (await this.#file.write(bytes, at)).bytesWritten
      this.#isTorn = false
      lineCounts.written += lines.length
    } catch (error) {
      this.#isTorn ||= at > 0
      lineCounts.lost += lines.length
      this.#onTrouble(error as Error, lines.length)
    }
  }

  /** Keeps the old file where the new one cannot be opened. */
  async #openAnew(): Promise<void> {
    this.#isReopening = false
    try {
      const next = await open(this.#path, 'a', MODE)
      await this.#file.close().catch(() => undefined)
      this.#file = next
      this.#isTorn = false
    } catch (error) {
      this.#onTrouble(error as Error, 0)
    }
  }
}
