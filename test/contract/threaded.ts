/** A service whose connections are answered by threads beside the main thread. */
import { Agent, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { SharingDatabase } from '../../src/engine/database/sharing.js'
import { createServer, type Server, type ServerOptions } from '../../src/server/app.js'
import { DEFAULT_SETTINGS } from '../../src/server/server-settings.js'
import { ServingThreads } from '../../src/serving/serving-threads.js'

export interface ThreadedService {
  url: string
  server: Server
  threads: ServingThreads
  trouble: Error[]
  close(deadlineMs?: number): Promise<void>
}

export async function startThreaded(
  database: SharingDatabase,
  { count = 2, memory, ...given }: Partial<ServerOptions> & { count?: number } = {},
): Promise<ThreadedService> {
  const { logStream, ...settings } = { ...DEFAULT_SETTINGS, port: 0, logLevel: 'silent' as const, ...given }
  const trouble: Error[] = []
  const threads = ServingThreads.start({
    count,
    settings,
    concurrentSearches: settings.maxConcurrentReads,
    isLimited: memory !== undefined,
    keepsSearches: true,
    database: Promise.resolve(database),
    onTrouble: (error) => void trouble.push(error),
  })
  await threads.ready()
  const server = createServer({ ...settings, logStream, database, threads, ...(memory ? { memory } : {}) })
  const url = await server.listen()
  return {
    url,
    server,
    threads,
    trouble,
    close: (deadlineMs = 2_000) => server.close(deadlineMs),
  }
}

/** Resolves once the service takes no new connections, which is the first step of its stop. */
export async function untilRefused(url: string): Promise<void> {
  const isRefused = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
      onTestFinished(() => void socket.destroy())
    })
  await expect.poll(isRefused).toBe(true)
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: answers of all routes
  json: any
}

/** One connection, which stays with one thread. */
export class Line {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(url: string) {
    this.#port = Number(new URL(url).port)
    onTestFinished(() => this.#agent.destroy())
  }

  call(method: string, path: string, body?: unknown, more: RequestOptions = {}): Promise<Answer> {
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
    const headers = {
      ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
      ...(more.headers as Record<string, string>),
    }
    const options = { port: this.#port, agent: this.#agent, method, path, ...more, headers }
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const all = Buffer.concat(chunks)
          const isJson = response.headers['content-type']?.startsWith('application/json') === true
          resolve({
            status: response.statusCode as number,
            headers: response.headers,
            bytes: all,
            json: isJson ? JSON.parse(all.toString()) : undefined,
          })
        })
      })
      sent.on('error', reject)
      sent.end(bytes)
    })
  }
}

/** Sends bytes as they are and returns everything received until the connection closed. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', reject).on('close', () => resolve(answer))
  })
}
