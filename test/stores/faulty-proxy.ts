/** A proxy in front of a store that fails on purpose: it delays, refuses, swallows answers, asks twice, and holds requests. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../oracle/fault-random.js'

const DELAY_MS = 300
const REFUSALS = [500, 503, 429, 403]
/** Stores repeat parts of a request in their answers. */
export const REPEATED = 'what-no-error-shows'
const REFUSAL = `<Error><Code>Refused</Code><Message>${REPEATED}</Message></Error>`
const FAULTS = ['delay', 'refuse', 'swallow', 'cut', 'twice', 'late'] as const
export type Fault = (typeof FAULTS)[number]
/** Faults that a test asks for by themselves. */
type Named = 'nth' | 'unreachable' | 'refused' | 'held' | 'silent'

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

/** A request of the store, as a holder sees it. */
export interface StoreRequest {
  method: string
  path: string
  body: Buffer
}

export class FaultyProxy {
  /** Of so many requests one is spoilt; 0: none. */
  oneOf = 0
  /** Every so-manieth request is refused; 0: none. */
  everyNth = 0
  /** The store cannot be reached. */
  isCut = false
  /** A PUT that its client gave up arrives within this time. */
  lateMs = 3_000
  /** The status by which the store refuses a request; null: it does not. */
  refuses: ((request: StoreRequest) => number | null) | null = null
  /** Requests that the store takes and never answers, and never obeys. */
  silent: ((request: StoreRequest) => boolean) | null = null
  /** Holds a request until the promise settles. Null: passes it on. */
  hold: ((request: StoreRequest) => Promise<unknown> | null) | null = null
  readonly injected = new Map<Fault | Named, number>()
  readonly #port: number
  readonly #random: Random
  #requests = 0
  readonly #server = createServer((incoming, outgoing) => {
    this.#pass(incoming, outgoing).catch(() => incoming.socket.destroy())
  })

  private constructor(port: number, random: Random) {
    this.#port = port
    this.#random = random
  }

  static async start(port: number, random: Random): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(port, random)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get injectedCount(): number {
    return [...this.injected.values()].reduce((sum, count) => sum + count, 0)
  }

  heal(): void {
    this.oneOf = 0
    this.everyNth = 0
    this.isCut = false
    this.refuses = null
    this.silent = null
    this.hold = null
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #note(fault: Fault | Named): void {
    this.injected.set(fault, 1 + (this.injected.get(fault) ?? 0))
  }

  #fault(): Fault | 'nth' | 'unreachable' | null {
    this.#requests++
    if (this.isCut) return 'unreachable'
    if (this.everyNth > 0 && this.#requests % this.everyNth === 0) return 'nth'
    if (this.oneOf === 0 || this.#random.below(this.oneOf) > 0) return null
    return this.#random.pick(FAULTS)
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const { method = '', url = '' } = incoming
    const told = { method, path: decodeURIComponent(url), body }
    if (this.silent?.(told)) {
      this.#note('silent')
      return
    }
    const status = this.refuses?.(told) ?? null
    if (status !== null) {
      this.#note('refused')
      outgoing.writeHead(status, { 'content-type': 'application/xml' }).end(REFUSAL)
      return
    }
    const held = this.hold?.(told)
    if (held) {
      this.#note('held')
      await held
    }
    const fault = this.#fault()
    if (fault !== null) this.#note(fault)
    const forward = () => forwarded(this.#port, incoming, body)
    switch (fault) {
      case 'nth':
      case 'refuse':
        outgoing.writeHead(this.#random.pick(REFUSALS)).end()
        return
      // The request never arrives, and the caller does not know.
      case 'unreachable':
      case 'cut':
        incoming.socket.destroy()
        return
      // It arrives once its caller has given it up, and maybe has asked again.
      case 'late':
        incoming.socket.destroy()
        await pause(this.#random.between(0, this.lateMs))
        await forward()
        return
      // The request was obeyed, and the caller does not know.
      case 'swallow':
        await forward()
        incoming.socket.destroy()
        return
    }
    if (fault === 'delay') await pause(DELAY_MS)
    const first = await forward()
    // The caller gets either answer: that of a conditional creation may be that its own object is there.
    const answer = fault === 'twice' && this.#random.chance(0.5) ? await forward() : first
    if (fault === 'twice' && answer === first) await forward()
    outgoing.writeHead(answer.status, answer.headers).end(answer.body)
  }
}

async function forwarded(port: number, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  const passed = request({ host: '127.0.0.1', port, method, path: url, headers })
  passed.end(body)
  const [response] = (await once(passed, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(chunks) }
}
