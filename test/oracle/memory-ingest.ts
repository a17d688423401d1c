import type { Collection } from '../../src/core/database.js'
import { renameField } from '../../src/core/error-field.js'
import { VicinalError } from '../../src/core/errors.js'
import { given } from '../../src/core/given-options.js'
import { IngestOptions, type IngestResult, type IngestStream, type RejectedRow } from '../../src/core/ingest.js'
import type { Untyped } from '../../src/core/untyped.js'
import { ingestStream, rejectedRow } from '../../src/intake/ingestion.js'

/** Streams into a collection, row by row. They are read by the same readers as the engine's. */
export class OracleIngests {
  readonly #collection: Pick<Untyped<Collection>, 'upsert'>
  /** Rows of each source that are stored. */
  readonly #positions = new Map<string, number>()

  constructor(collection: Pick<Untyped<Collection>, 'upsert'>) {
    this.#collection = collection
  }

  readonly position = async (source: string): Promise<number> => this.#positions.get(source) ?? 0

  readonly ingest = async (stream: IngestStream, options: IngestOptions): Promise<IngestResult> =>
    await ingestStream(stream, given(IngestOptions, options), {
      position: this.position,
      write: async ({ points, rows, source, to }) => {
        const rejected: RejectedRow[] = []
        for (const [at, point] of points.entries()) {
          const error = await this.#errorOf(point)
          if (error) rejected.push(rejectedRow(rows[at] as number, error))
        }
        if (source !== null) this.#positions.set(source, to)
        return { accepted: points.length - rejected.length, rejected }
      },
    })

  async #errorOf(point: unknown): Promise<VicinalError | null> {
    try {
      await this.#collection.upsert([point as never])
      return null
    } catch (error) {
      if (!(error instanceof VicinalError)) throw error
      return renameField(error, (field) => field.replace(/^points\[0\]\.?/, '') || 'row') as VicinalError
    }
  }
}
