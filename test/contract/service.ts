/** A service on its own port, and plain HTTP to talk to it. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect as connectSocket } from 'node:net'
import { onTestFinished } from 'vitest'
import { createServer, type Server, type ServerOptions } from '../../src/server/app.js'
import { MemoryDatabase } from '../oracle/memory-database.js'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The parsed body, or undefined if it is not JSON. */
  json: { result?: unknown; status?: unknown; time?: number } & Record<string, unknown>
  bytes: Buffer
}

export interface Service {
  url: string
  port: number
  log: string[]
  server: Server
  close(deadlineMs?: number): Promise<void>
  /** Sends JSON unless the body is bytes or text. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Sends bytes as they are and returns everything received until the connection closed. */
  raw(bytes: string | Buffer): Promise<string>
}

/** The field that an answer complains about, and its sentence, as the library has them in one text. */
export function complaintOf({ json }: Pick<Answer, 'json'>): string {
  const { error, details } = json.status as { error: string; details?: { field?: string } }
  return details?.field === undefined ? error : `${details.field}: ${error}`
}

/** Closed when the test is over. */
export async function startService(options: Partial<ServerOptions> = {}): Promise<Service> {
  const log: string[] = []
  const server = createServer({
    database: new MemoryDatabase(),
    port: 0,
    logStream: { write: (line) => void log.push(line) },
    ...options,
  })
  const url = await server.listen()
  onTestFinished(() => server.close(0))
  const port = Number(new URL(url).port)
  return {
    url,
    port,
    log,
    server,
    close: (deadlineMs) => server.close(deadlineMs),
    call: (method, path, body, headers) => call(port, method, path, body, headers),
    raw: (bytes) => raw(port, bytes),
  }
}

function call(
  port: number,
  method: string,
  path: string,
  body?: unknown,
  extra: Record<string, string> = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  const bytes = body === undefined ? undefined : isRaw ? body : JSON.stringify(body)
  const headers = {
    ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
    ...extra,
  }
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))))
    })
    sent.on('error', reject)
    sent.end(bytes)
  })
}

function answerOf(status: number, headers: IncomingHttpHeaders, bytes: Buffer): Answer {
  const text = bytes.toString()
  const isJson = headers['content-type']?.startsWith('application/json') === true
  return { status, headers, text, bytes, json: isJson && text !== '' ? JSON.parse(text) : undefined }
}

function raw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)))
    socket.on('close', () => resolve(text))
  })
}
