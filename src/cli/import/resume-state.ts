import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { PointId } from '../../core/point.js'
import { type Cursor, START } from './source.js'

/**
 * How far an import came, in one small file per import under the user's state folder. It is only ever behind the
 * collection: it is written after the points it counts are on stable storage. What is read again after a kill has
 * the same ids, so that it replaces itself.
 */
export interface Progressed {
  /** Files that are done, and where the next one stands. */
  filesDone: number
  cursor: Cursor
  /** Rows of the files that are done. */
  rowsBefore: number
  /** The id of the last point stored: a collection that lacks it is not the one that was imported into. */
  lastId: PointId | null
}

export class ResumeState {
  readonly #file: string
  #lastWriteMs = Number.NEGATIVE_INFINITY

  /** `job` is all that makes an import what it is: target, files with sizes and dates, mapping. */
  constructor(job: unknown, folder = stateFolder()) {
    const name = createHash('sha256').update(JSON.stringify(job)).digest('hex').slice(0, 32)
    this.#file = join(folder, `${name}.json`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  read(): Progressed | null {
    try {
      const parsed = JSON.parse(readFileSync(this.#file, 'utf8')) as Progressed & { lastBig?: string }
      return parsed.lastBig === undefined ? parsed : { ...parsed, lastId: BigInt(parsed.lastBig) }
    } catch {
      // Absent, or torn by a power loss: the import starts over, which is only slower.
      return null
    }
  }

  /** At most once a second unless `force`d; replaced as a whole. */
  write(progressed: Progressed, force = false): void {
    const now = performance.now()
    if (!force && now - this.#lastWriteMs < 1000) return
    this.#lastWriteMs = now
    const { lastId } = progressed
    const text = typeof lastId === 'bigint' ? { ...progressed, lastId: null, lastBig: String(lastId) } : progressed
    writeFileSync(`${this.#file}.tmp`, JSON.stringify(text), { mode: 0o600 })
    renameSync(`${this.#file}.tmp`, this.#file)
  }

  clear(): void {
    rmSync(this.#file, { force: true })
  }
}

export const NOTHING_DONE: Progressed = { filesDone: 0, cursor: START, rowsBefore: 0, lastId: null }

function stateFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'vicinal', 'imports')
}
