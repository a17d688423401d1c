import type { Collection } from '../../src/core/database.js'
import { renameField } from '../../src/core/error-field.js'
import { VicinalError } from '../../src/core/errors.js'
import { given } from '../../src/core/given-options.js'
import { IngestOptions, type IngestResult, type IngestStream, type RejectedRow } from '../../src/core/ingest.js'
import type { Point } from '../../src/core/point.js'
import { schemaOf } from '../../src/core/schema.js'
import type { Untyped } from '../../src/core/untyped.js'
import { ingestStream, rejectedRow } from '../../src/intake/ingestion.js'

export function noRepair(): Promise<never> {
  return Promise.reject(new VicinalError('NOT_IMPLEMENTED', 'the oracle has no quarantine'))
}

/** Streams into a collection: a batch with bad rows is written row by row. They are read by the same readers as the engine's. */
export class OracleIngests {
  readonly #collection: Pick<Untyped<Collection>, 'upsert' | 'info'>
  /** Rows of each source that are stored. */
  readonly #positions = new Map<string, number>()

  constructor(collection: Pick<Untyped<Collection>, 'upsert' | 'info'>) {
    this.#collection = collection
  }

  readonly position = async (source: string): Promise<number> => this.#positions.get(source) ?? 0

  readonly ingest = async (stream: IngestStream, options: IngestOptions = {}): Promise<IngestResult> =>
    await ingestStream(stream, given(IngestOptions, options), {
      position: this.position,
      verdicts: async () => new Map(),
      shape: async () => ({ vectors: schemaOf((await this.#collection.info()).config).map(({ name }) => name) }),
      write: async (batch) => {
        const { source, to } = batch
        const stored = source === null ? 0 : (this.#positions.get(source) ?? 0)
        const first = batch.rows.findIndex((row) => row >= stored)
        // Without `sizes` in the shape no rows come as columns.
        const given = batch.points as readonly Point<unknown>[]
        const points = given.slice(first < 0 ? given.length : first)
        const rows = batch.rows.slice(-points.length)
        const rejected: RejectedRow[] = []
        const isWhole = (await this.#errorOf(points)) === null
        for (const [at, point] of isWhole ? [] : points.entries()) {
          const error = await this.#errorOf([point])
          if (error) rejected.push(rejectedRow(rows[at] as number, error))
        }
        if (source !== null) this.#positions.set(source, Math.max(stored, to))
        return {
          accepted: points.length - rejected.length,
          refused: [...batch.unread, ...rejected].sort((a, b) => a.row - b.row),
          counts: null,
          recent: null,
        }
      },
    })

  async #errorOf(points: readonly unknown[]): Promise<VicinalError | null> {
    try {
      await this.#collection.upsert(points as never)
      return null
    } catch (error) {
      if (!(error instanceof VicinalError)) throw error
      return renameField(error, (field) => field.replace(/^points\[0\]\.?/, '') || 'row') as VicinalError
    }
  }
}
