/** Sends a stream of points, and reads the lines of its answer meanwhile. */
import { invalid, VicinalError } from '../core/errors.js'
import {
  checkStream,
  type IngestBytes,
  type IngestCounts,
  type IngestOptions,
  type IngestResult,
  type IngestStream,
} from '../core/ingest.js'
import type { Point } from '../core/point.js'
import { UnreadPoint } from '../core/unread-point.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import { type Envelope, errorOfAnswer } from './answers.js'
import { pointBody } from './requests.js'
import type { Transport } from './transport.js'
import { UnsentPoints } from './unsent-points.js'

const MS_PER_SECOND = 1000
const PIECE_BYTES = 256 * 1024

type Line = { progress: IngestCounts } | (Envelope & { result: WireResult })
type WireResult = Omit<IngestResult, 'byRule'> & { by_rule?: IngestResult['byRule'] }

export async function sendStream(
  transport: Transport,
  path: string,
  stream: IngestStream,
  { type, source, onProgress, mostErrors, signal, timeoutMs }: IngestOptions,
): Promise<IngestResult> {
  checkStream(stream)
  const query = new URLSearchParams()
  if (source?.position !== undefined) query.set('from', String(source.position))
  if (mostErrors !== undefined) query.set('errors', String(mostErrors))
  if (timeoutMs !== undefined) query.set('timeout', String(Math.max(1, Math.ceil(timeoutMs / MS_PER_SECOND))))
  const unsent = new UnsentPoints()
  const points = () => pointMaps(stream as AsyncIterable<Point<unknown>>, source?.position ?? 0, unsent)
  const bytes = type === undefined ? points() : (stream as IngestBytes)
  const sent = new SentStream(bytes)
  try {
    const answer = await transport.stream({
      method: 'POST',
      path: `${path}?${query}`,
      call: signal ? { signal } : {},
      isLong: true,
      upload: { type: type ?? 'application/msgpack', chunks: sent },
      headers: source ? { 'idempotency-key': headerOf(source.name) } : {},
    })
    const abort = () => answer.destroy(new VicinalError('CANCELLED', 'The call was cancelled'))
    signal?.addEventListener('abort', abort)
    try {
      const result = await resultOf(answer, onProgress)
      return { ...result, errors: unsent.told(result.errors) }
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  } catch (error) {
    // The connection ended because the stream did.
    throw sent.failure ?? error
  }
}

/** The bytes of UTF-8, which a header has as characters of latin1. */
function headerOf(name: string): string {
  return Buffer.from(name).toString('latin1')
}

/** A point that no map can hold is sent as null: the service refuses it, and stores the others. */
function mapOf(point: Point<unknown>, row: number, unsent: UnsentPoints): Buffer {
  if (ArrayBuffer.isView(point)) throw invalid('type', 'expected the form of the stream, since it gives bytes')
  const map = unsent.bodyOf(row, () => {
    if (point instanceof UnreadPoint) throw point.error
    return encodeRequest(pointBody(point, `points[${row}]`, true))
  })
  return map ?? encodeRequest(null)
}

/** Points as MessagePack maps, some at a time. `first` is the number of the first one in its source. */
async function* pointMaps(
  points: AsyncIterable<Point<unknown>> | Iterable<Point<unknown>>,
  first: number,
  unsent: UnsentPoints,
): AsyncGenerator<Buffer> {
  let maps: Buffer[] = []
  let bytes = 0
  let row = first
  for await (const point of points) {
    const map = mapOf(point, row++, unsent)
    maps.push(map)
    bytes += map.length
    if (bytes < PIECE_BYTES) continue
    yield Buffer.concat(maps)
    maps = []
    bytes = 0
  }
  if (maps.length > 0) yield Buffer.concat(maps)
}

/** The stream as it is sent. It remembers the error of its source, which a connection would hide. */
class SentStream implements AsyncIterable<Uint8Array> {
  failure: unknown = null
  readonly #stream: IngestBytes

  constructor(stream: IngestBytes) {
    this.#stream = stream
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#stream
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

async function resultOf(answer: AsyncIterable<Buffer>, onProgress: IngestOptions['onProgress']): Promise<IngestResult> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of answer) {
    text += decoder.decode(piece, { stream: true })
    const lines = text.split('\n')
    text = lines.pop() as string
    for (const line of lines) {
      const told = JSON.parse(line) as Line
      if ('progress' in told) onProgress?.(told.progress)
      else if (told.status === 'ok') return resultIn(told)
      else throw errorOfLine(told)
    }
  }
  throw new VicinalError(
    'UNAVAILABLE',
    'The answer of the service ended without a result; `ingestPosition` tells how far a source came',
  )
}

function resultIn({ result: { by_rule: byRule, ...result } }: { result: WireResult }): IngestResult {
  return byRule ? { ...result, byRule } : result
}

function errorOfLine(line: Envelope & { result: WireResult }): VicinalError {
  const { code, message, details } = errorOfAnswer(INTERNAL, {}, line)
  return new VicinalError(code, message, { details: { ...details, ...resultIn(line) } })
}

const INTERNAL = 500
