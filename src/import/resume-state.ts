import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { PointId } from '../core/point.js'
import { NONE_TOLD, type ToldRows } from './refused-rows.js'
import { type Cursor, START } from './source.js'

/**
 * The progress of an import, in one small file under the user's state folder. It is written after the points it counts
 * are on stable storage, so it is never ahead of the collection. Rows that are read again after a kill have the same
 * ids and replace themselves.
 */
export interface Progressed {
  /** Number of finished files, and the position in the next one. */
  filesDone: number
  cursor: Cursor
  /** Rows of the finished files. */
  rowsBefore: number
  /** Rows before the cursor that were stored, and that are in quarantine instead. */
  accepted: number
  quarantined: number
  /** All that were refused before the cursor. */
  refused: ToldRows
  /** Points of the collection before the import. */
  pointsBefore: number
  /** The id of the last stored point. A collection without it is not the one of the earlier run. */
  lastId: PointId | null
}

export class ResumeState {
  readonly #file: string
  #lastWriteMs = Number.NEGATIVE_INFINITY

  /** `job` identifies an import: target, files with sizes and dates, mapping. */
  constructor(job: unknown, folder = stateFolder()) {
    const name = createHash('sha256').update(JSON.stringify(job)).digest('hex').slice(0, 32)
    this.#file = join(folder, `${name}.json`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  read(): Progressed | null {
    try {
      const parsed = JSON.parse(readFileSync(this.#file, 'utf8')) as Progressed & { lastBig?: string }
      // An earlier version wrote it.
      if (typeof parsed.refused !== 'object') return null
      return parsed.lastBig === undefined ? parsed : { ...parsed, lastId: BigInt(parsed.lastBig) }
    } catch {
      // The file is absent, or torn by a power loss. The import starts over, which only takes longer.
      return null
    }
  }

  /** Writes at most once a second unless `force` is set. The file is replaced as a whole. */
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

export const NOTHING_DONE: Progressed = {
  filesDone: 0,
  cursor: START,
  rowsBefore: 0,
  accepted: 0,
  quarantined: 0,
  refused: NONE_TOLD,
  pointsBefore: 0,
  lastId: null,
}

function stateFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'vicinal', 'imports')
}
