/** A proxy in front of a store that fails on purpose: it delays, holds, refuses, swallows answers, and asks twice. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../oracle/fault-random.js'

const DELAY_MS = 300
const REFUSALS = [500, 503, 429, 403]
const FAULTS = ['delay', 'hold', 'refuse', 'swallow', 'cut', 'twice'] as const
export type Fault = (typeof FAULTS)[number]

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

export interface FaultyProxy {
  port: number
  /** Of so many requests one is spoilt; 0: none. */
  oneOf: number
  /** For how long an object of the log is held: longer than a batch may take to count. */
  holdMs: number
  readonly requests: number
  readonly injected: ReadonlyMap<Fault, number>
  stop(): void
}

export async function startFaultyProxy(port: number, random: Random): Promise<FaultyProxy> {
  const injected = new Map<Fault, number>(FAULTS.map((fault) => [fault, 0]))
  const proxy = { port: 0, oneOf: 0, holdMs: DELAY_MS, requests: 0, injected, stop: () => {} }

  function fault(): Fault | null {
    proxy.requests++
    if (proxy.oneOf === 0 || random.below(proxy.oneOf) > 0) return null
    const found = FAULTS[random.below(FAULTS.length)] as Fault
    injected.set(found, (injected.get(found) as number) + 1)
    return found
  }

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const spoilt = fault()
    if (spoilt === 'refuse') {
      outgoing.writeHead(REFUSALS[random.below(REFUSALS.length)] as number).end()
      return
    }
    // The request never arrives, and the caller does not know.
    if (spoilt === 'cut') return void incoming.socket.destroy()
    if (spoilt === 'delay') await pause(DELAY_MS)
    // Of the requests of an opening one would be held almost always, and an opening is done again if it took too long.
    if (spoilt === 'hold')
      await pause(incoming.method === 'PUT' && incoming.url?.includes('/log/wal/') ? proxy.holdMs : DELAY_MS)
    const answer = await forward(port, incoming, body)
    if (spoilt === 'twice') await forward(port, incoming, body)
    // The request was obeyed, and the caller does not know.
    if (spoilt === 'swallow') return void incoming.socket.destroy()
    outgoing.writeHead(answer.status, answer.headers).end(answer.body)
  }

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => incoming.socket.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  proxy.port = (server.address() as AddressInfo).port
  proxy.stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return proxy
}

async function forward(port: number, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  const passed = request({ host: '127.0.0.1', port, method, path: url, headers })
  passed.end(body)
  const [response] = (await once(passed, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(chunks) }
}
