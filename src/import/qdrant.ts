import { parseBigJson } from '../core/big-json.js'
import { VicinalError } from '../core/errors.js'
import { pointBytes } from '../core/point-bytes.js'
import { CollectionOptions } from '../core/schema.js'
import { read } from '../core/vocabulary/reader.js'
import type { ReadRow, VectorShape } from '../readers/rows.js'
import { UsageError } from '../terminal/usage-error.js'
import { pointOf } from '../wire/points.js'
import {
  type Cursor,
  damaged,
  type Model,
  type RowChoice,
  type Source,
  type SourceRows,
  type SourceShape,
} from './source.js'

/** Numbers of vectors in one page. */
const PAGE_FLOATS = 131_072
const MOST_PAGE_ROWS = 1_000
const TIMEOUT_MS = 120_000
const COLLECTION = /^(.*?)\/collections\/([^/]+)\/?$/
const LONG_INTEGER = /[:,[]\s*-?\d{16,}\s*[,}\]]/

interface Params {
  vectors?: Record<string, unknown>
  /** Of Vicinal: `text` where ids are texts. */
  ids?: string
  sparse_vectors?: Record<string, unknown> | null
}
interface Info {
  config: { params: Params; quantization_config?: unknown; hnsw_config?: unknown }
  points_count: number | null
  payload_schema: Record<string, { data_type: string; params?: object | null }>
}
interface Page {
  points: readonly unknown[]
  next_page_offset: unknown
}

/** A collection of a running Qdrant, or of another service that speaks its protocol: `URL/collections/NAME`. */
export async function openQdrant(address: string, apiKey?: string): Promise<Source> {
  const [, url, name] = COLLECTION.exec(address) ?? []
  if (url === undefined || name === undefined || !URL.canParse(address) || !/^https?:/.test(address)) {
    throw new UsageError(`--from-qdrant: expected http(s)://HOST:PORT/collections/NAME, got ${address}`)
  }
  const service = new Service(`${url}/collections/${name}`, apiKey)
  return new QdrantSource(service, (await service.ask('GET', '')) as Info)
}

class Service {
  readonly #apiKey: string | undefined

  constructor(
    readonly url: string,
    apiKey: string | undefined,
  ) {
    this.#apiKey = apiKey
  }

  async ask(method: 'GET' | 'POST', path: string, body?: string): Promise<unknown> {
    let text: string
    let status: number
    try {
      const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
      if (this.#apiKey !== undefined) headers['api-key'] = this.#apiKey
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const answer = await fetch(this.url + path, { method, headers, signal, body: body ?? null })
      status = answer.status
      text = await answer.text()
    } catch (error) {
      const { cause } = error as { cause?: Error }
      throw new VicinalError('UNAVAILABLE', `${this.url}: ${cause?.message || (error as Error).message}`, {
        cause: error,
      })
    }
    try {
      const answer = (LONG_INTEGER.test(text) ? parseBigJson(text) : JSON.parse(text)) as {
        result?: unknown
        status?: unknown
      }
      if (status === 200 && answer.result !== undefined) return answer.result
      const { error } = (answer.status ?? {}) as { error?: unknown }
      text = typeof error === 'string' ? error : text
    } catch {
      // It is told as it came.
    }
    const code = status === 401 || status === 403 ? 'UNAUTHENTICATED' : status === 404 ? 'NOT_FOUND' : 'UNAVAILABLE'
    throw new VicinalError(code, `${this.url}: status ${status}: ${text.slice(0, 200)}`)
  }
}

class QdrantSource implements Source {
  readonly path: string
  readonly #service: Service
  readonly #info: Info

  constructor(service: Service, info: Info) {
    this.path = service.url
    this.#service = service
    this.#info = info
  }

  async shape(): Promise<SourceShape> {
    const vectors = new Map<string, VectorShape>()
    for (const [name, params] of this.#dense()) {
      vectors.set(name, { kind: params.multivector_config ? 'multi' : 'dense', size: Number(params.size) })
    }
    for (const name of Object.keys(this.#info.config.params.sparse_vectors ?? {}))
      vectors.set(name, { kind: 'sparse', size: 0 })
    return { columns: ['id', 'vector', 'payload'], vectors, isPoints: true, rows: this.#info.points_count }
  }

  #dense(): [string, Record<string, unknown>][] {
    const vectors = this.#info.config.params.vectors ?? {}
    const isUnnamed = typeof vectors.size === 'number'
    return isUnnamed ? [['', vectors]] : (Object.entries(vectors) as [string, Record<string, unknown>][])
  }

  /** Vectors, codes and graphs, and the payload indexes. */
  async model(): Promise<Model> {
    const { params, quantization_config, hnsw_config } = this.#info.config
    const { vectors, sparse_vectors, ids } = params
    const options = read(
      CollectionOptions,
      { vectors, sparse_vectors, quantization_config, hnsw_config, ...(ids === undefined ? {} : { ids }) },
      'wire',
      'config',
    )
    const indexes = Object.entries(this.#info.payload_schema ?? {}).map(
      ([field, { data_type, params: own }]) => [field, own ?? data_type.toLowerCase()] as const,
    )
    return { options, indexes }
  }

  async *rows(_choice: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    const floats = [...(await this.shape()).vectors.values()].reduce((sum, { size }) => sum + Math.max(1, size), 0)
    const limit = Math.max(1, Math.min(MOST_PAGE_ROWS, Math.floor(PAGE_FLOATS / Math.max(1, floats))))
    let { row, id } = from
    for (;;) {
      const offset = id === undefined ? '' : `,"offset":${id}`
      const body = `{"limit":${limit},"with_payload":true,"with_vector":true${offset}}`
      const { points, next_page_offset: next } = (await this.#service.ask('POST', '/points/scroll', body)) as Page
      if (!Array.isArray(points)) throw damaged(this.path, 'expected pages of points')
      const first = row
      row += points.length
      id =
        next === null || next === undefined ? undefined : typeof next === 'string' ? JSON.stringify(next) : String(next)
      yield { rows: points.map(rowOf), first, next: id === undefined ? { at: 0, row } : { at: 0, row, id } }
      if (id === undefined) return
    }
  }

  share({ row }: Cursor): number {
    const count = this.#info.points_count ?? 0
    return count === 0 ? 1 : Math.min(1, row / count)
  }

  async close(): Promise<void> {}
}

function rowOf(value: unknown): ReadRow {
  try {
    const read = pointOf(value)
    const { text_id: text } = value as { text_id?: unknown }
    // A point without vectors may come without the key.
    const point = { ...read, id: typeof text === 'string' ? text : read.id, vector: read.vector ?? {} }
    return { point, bytes: pointBytes(point, 'row') }
  } catch (error) {
    if (!(error instanceof VicinalError)) throw error
    return { error, bytes: 0, record: value }
  }
}
