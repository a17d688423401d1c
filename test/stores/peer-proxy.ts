/** Stands at the address that a node tells the others, so that they can be cut off from it, or miss its answers. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** `cut`: connections end at once. `hang`: nothing passes. `swallow`: requests arrive, and their answers are cut off. */
export type PeerFault = 'cut' | 'hang' | 'swallow'

export class PeerProxy {
  /** Connections that met a fault. */
  injected = 0
  #fault: PeerFault | null = null
  #target = 0
  readonly #pairs = new Set<[Socket, Socket]>()
  readonly #server = createServer((incoming) => this.#pass(incoming))

  static async start(): Promise<PeerProxy> {
    const proxy = new PeerProxy()
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The node listens there now. */
  set target(url: string) {
    this.#target = Number(new URL(url).port)
    this.#endAll()
  }

  set fault(fault: PeerFault | null) {
    this.#fault = fault
    // What hung or was cut off begins anew.
    this.#endAll()
  }

  stop(): void {
    this.#server.close()
    this.#endAll()
  }

  #endAll(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    this.#pairs.clear()
  }

  #pass(incoming: Socket): void {
    const outgoing = connect(this.#target, '127.0.0.1')
    const pair: [Socket, Socket] = [incoming, outgoing]
    this.#pairs.add(pair)
    const end = () => {
      this.#pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    const fault = this.#fault
    if (fault !== null) this.injected++
    if (fault === 'cut') end()
    if (fault === 'cut' || fault === 'hang') return
    incoming.pipe(outgoing)
    if (fault === 'swallow') outgoing.once('data', end)
    else outgoing.pipe(incoming)
  }
}
