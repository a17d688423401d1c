/** Files in forms, read as they arrive. They are not kept in memory, and their consumer may be slow. */
import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy'
import type { FastifyRequest } from 'fastify'
import { invalid, VicinalError } from '../core/errors.js'
import { type ArrivalBounds, type Arriving, LOOKS, leastBytesOf, tooSlow } from './arriving-body.js'

/** A form has one file and perhaps some fields, which are ignored. */
const MOST_PARTS = 16
/** Buffer for the file, between the form and its consumer. */
const FILE_BUFFER_BYTES = 1024 * 1024
const FIELD_BYTES = 64 * 1024

/** Error codes of a connection that ended in the middle of a body. */
const HUNG_UP = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ABORT_ERR'])

/** Measures the rate of an upload. A look does not count if the consumer keeps the upload waiting. */
export class ArrivingUpload implements Arriving {
  readonly #request: IncomingMessage
  readonly #bounds: ArrivalBounds
  readonly #fail: (error: Error) => void
  #looks = 0
  #bytes: number

  constructor(request: IncomingMessage, bounds: ArrivalBounds, fail: (error: Error) => void) {
    this.#request = request
    this.#bounds = bounds
    this.#fail = fail
    this.#bytes = request.socket.bytesRead
  }

  look(): void {
    if (this.#request.isPaused() || ++this.#looks < LOOKS) return
    const { bytesRead } = this.#request.socket
    const came = bytesRead - this.#bytes
    this.#looks = 0
    this.#bytes = bytesRead
    if (came < leastBytesOf(this.#bounds)) this.#fail(tooSlow(this.#bounds, came))
  }
}

/** Passes the form's file of this field to `use`. Resolves once `use` is done and the form has ended. */
export function receiveFile<T>(
  { raw: request, ticket }: FastifyRequest,
  bounds: ArrivalBounds,
  field: string,
  use: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const parser = parserOf(request)
    let file: Readable | null = null
    let used: Promise<T> | null = null
    const fail = (cause: Error) => {
      const error = cause instanceof VicinalError ? cause : invalid(field, `the form cannot be read: ${cause.message}`)
      file?.destroy(error)
      request.unpipe(parser)
      reject(error)
    }
    parser.on('partsLimit', () => fail(invalid('body', `expected at most ${MOST_PARTS} parts of a form`)))
    parser.on('file', (name: string, stream: BusboyFileStream) => {
      stream.on('error', () => undefined)
      if (used !== null || name !== field) {
        stream.resume()
        return fail(invalid(field, `expected one file, in the field ${field}`, name))
      }
      file = stream
      used = use(stream)
      used.catch(fail)
    })
    ticket.arriving = new ArrivingUpload(request, bounds, fail)
    pipeline(request, parser, (error: Error | null | undefined) => {
      ticket.arriving = null
      if (error) return fail(HUNG_UP.has(errorCode(error)) ? cancelled(field, error) : error)
      if (used === null) return fail(invalid(field, 'expected a file of this field in the form'))
      used.then(resolve, reject)
    })
  })
}

function errorCode(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

function cancelled(field: string, cause: Error): VicinalError {
  return new VicinalError('CANCELLED', `${field}: the upload ended early`, { cause })
}

function parserOf({ headers }: IncomingMessage): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      fileHwm: FILE_BUFFER_BYTES,
      limits: { parts: MOST_PARTS, files: 2, fieldSize: FIELD_BYTES, headerPairs: 64 },
    })
  } catch (cause) {
    throw invalid('Content-Type', `expected multipart/form-data with a boundary (${(cause as Error).message})`)
  }
}
